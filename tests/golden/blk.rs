//! Golden files `blk*.npz`: windows and features of the reference's `room2blocks_plus_normalized`.

use instanton::block::reference::ReferenceRoom;
use instanton::block::{Block, Windowing};
use instanton::cloud::Cloud;

use crate::support;

#[test]
fn reference_blocks() {
    support::for_each("blk", |name, archive| {
        let room = archive.points::<8>("room");
        let cloud = Cloud {
            position: room.iter().map(|row| [row[0], row[1], row[2]]).collect(),
            colour: Some(room.iter().map(|row| [row[3] as u8, row[4] as u8, row[5] as u8]).collect()),
        };
        let windowing = Windowing {
            size: archive.scalar("block_size"),
            stride: archive.scalar("stride"),
            points: archive.scalar::<i32>("num_point") as usize,
            ..Windowing::default()
        };
        let reference = ReferenceRoom::new(&cloud, windowing).expect("a room with blocks");

        let origins: Vec<[f32; 2]> =
            reference.windows.iter().map(|window| window.origin.map(|value| value as f32)).collect();
        assert_eq!(origins, archive.points::<2>("block_origin"), "{name}: origins");
        let counts: Vec<i32> = reference.windows.iter().map(|window| window.points as i32).collect();
        assert_eq!(counts, archive.values::<i32>("block_points"), "{name}: points per window");
        let kept: Vec<bool> = reference.windows.iter().map(|window| window.kept).collect();
        assert_eq!(kept, archive.values::<bool>("block_kept"), "{name}: kept windows");

        let samples: Vec<u32> = archive.values::<i32>("sample_idx").iter().map(|&index| index as u32).collect();
        let expected = archive.values::<f32>("blocks9");
        let (semantic, instance) = (archive.values::<i32>("sem"), archive.values::<i32>("ins"));
        assert_eq!(samples.len() / windowing.points, reference.kept().count(), "{name}: blocks");
        // The archive holds the room in binary32; the reference computed from a binary64 room that
        // was rounded on the way here (`room_is_float64_in_reference`), or in binary32 throughout.
        // Either way a coordinate and the centre are each off by up to half a unit in the last place.
        let tolerance = reference.extent.maximum.into_iter().fold(1.0, f32::max) * f32::EPSILON;
        let mut worst = 0.0_f32;

        let mut block = Block::default();
        for (number, window) in reference.kept().enumerate() {
            let range = number * windowing.points..(number + 1) * windowing.points;
            let sample = &samples[range.clone()];
            let candidates = reference.candidates(window);
            assert!(sample.iter().all(|index| candidates.binary_search(index).is_ok()), "{name}: block {number}");
            reference.block(&cloud, window, sample, &mut block).expect("a block");
            let wanted = &expected[range.start * 9..range.end * 9];
            for (at, (&actual, &wanted)) in block.features.iter().zip(wanted).enumerate() {
                worst = worst.max((actual - wanted).abs());
                assert!(
                    (actual - wanted).abs() <= tolerance,
                    "{name}: block {number}, point {}, column {}: {actual} instead of {wanted}",
                    at / 9,
                    at % 9,
                );
            }
            assert_eq!(block.features.len(), wanted.len());
            for (at, &index) in range.zip(sample) {
                let row = room[index as usize];
                assert_eq!((row[6] as i32, row[7] as i32), (semantic[at], instance[at]), "{name}: labels");
            }
        }
        println!("{name}: largest difference {worst:e}, allowed {tolerance:e}");
    });
}
