//! The kinds of rooms and what stands in each.

mod ceiling;
mod groups;
mod openings;
mod structure;
mod wall_clutter;

pub(crate) use openings::build_shell;

use super::{
    furniture::{Bookcase, Clutter},
    layout::Layout,
    random::Random,
    scene::RoomKind,
    shell::Shape,
};
use groups::{centre_table, chairs_along_walls, desk_islands, people, put_bench, rows_of_tables, sofa_group};

/// Draws the plan of a room of this kind.
pub(crate) fn draw_shape(random: &mut Random, kind: RoomKind) -> Shape {
    let (width, depth) = match kind {
        RoomKind::Office => (random.range(2.6, 6.5), random.range(2.8, 6.5)),
        RoomKind::Corridor => (random.range(2.5, 3.2), random.range(5.5, 9.0)),
        RoomKind::Meeting => (random.range(4.0, 8.0), random.range(3.6, 6.5)),
        RoomKind::Living => (random.range(3.5, 7.5), random.range(3.2, 6.5)),
        RoomKind::Laboratory => (random.range(4.0, 9.0), random.range(4.0, 8.0)),
        RoomKind::Storage => (random.range(2.5, 5.5), random.range(2.5, 6.0)),
        RoomKind::Classroom => (random.range(5.0, 9.0), random.range(5.0, 9.0)),
        RoomKind::OpenOffice => (random.range(6.0, 13.0), random.range(5.5, 10.0)),
        RoomKind::Lobby => (random.range(5.0, 13.0), random.range(4.0, 9.0)),
        RoomKind::Canteen => (random.range(5.5, 11.0), random.range(4.5, 9.0)),
    };
    let (width, depth) = if random.chance(0.5) { (width, depth) } else { (depth, width) };
    let large = matches!(kind, RoomKind::Lobby | RoomKind::OpenOffice | RoomKind::Canteen);
    let height = if large && random.chance(0.4) {
        random.range(3.0, 4.8)
    } else if random.chance(0.75) {
        random.range(2.4, 3.1)
    } else {
        random.range(2.2, 3.6)
    };
    let notch = (width.min(depth) > 3.4 && random.chance(0.25)).then(|| {
        let (nw, nd) = (width * random.range(0.25, 0.45), depth * random.range(0.25, 0.45));
        let x = if random.chance(0.5) { 0.0 } else { width - nw };
        let y = if random.chance(0.5) { 0.0 } else { depth - nd };
        // The far corner is written, not added up, so that the outline's corners compare equal.
        [[x, y], [if x == 0.0 { nw } else { width }, if y == 0.0 { nd } else { depth }]]
    });
    // Under a roof, now and then.
    let sloped = notch.is_none() && random.chance(0.05);
    let rise = if sloped { random.range(0.2, 0.35) * depth } else { 0.0 };
    Shape { size: [width, depth, height], notch, rise }
}

/// Puts in what belongs to this kind of room. `density` scales how much, 1 = as people do.
pub(crate) fn furnish(layout: &mut Layout, kind: RoomKind, density: f32) {
    let area = layout.shape.area();
    // Some pieces find no place; asking for more gives rooms about as full as those of S3DIS.
    let many = |count: f32| (1.4 * count * density).round() as usize;
    let repeat = |layout: &mut Layout, count: usize, put: fn(&mut Layout) -> bool| {
        for _ in 0..count {
            put(layout);
        }
    };
    // What belongs in the middle comes before the space kept for the robot.
    match kind {
        RoomKind::Meeting => centre_table(layout),
        RoomKind::Living if area > 14.0 && layout.random.chance(0.7) => centre_table(layout),
        RoomKind::OpenOffice => desk_islands(layout, (area / 12.0) as usize),
        _ => {}
    }
    layout.reserve_robot_space();
    match kind {
        RoomKind::Office => {
            let desks = layout.random.range(area / 9.0, area / 3.5).clamp(1.0, 8.0);
            repeat(layout, many(desks), Layout::put_work_place);
            let cases = layout.random.count(0, 3) as f32;
            repeat(layout, many(cases), Layout::put_bookcase);
            if layout.random.chance(0.4) {
                sofa_group(layout);
            }
        }
        RoomKind::Corridor => {
            if layout.random.chance(0.4) {
                repeat(layout, 2, Layout::put_bookcase);
            }
            if layout.random.chance(0.35) {
                sofa_group(layout);
            }
            chairs_along_walls(layout, 6);
            if layout.random.chance(0.3) {
                repeat(layout, 1, put_bench);
            }
        }
        RoomKind::Meeting => {
            let cases = layout.random.count(0, 2) as f32;
            repeat(layout, many(cases), Layout::put_bookcase);
            if layout.random.chance(0.35) {
                sofa_group(layout);
            }
            chairs_along_walls(layout, 5);
        }
        RoomKind::Living => {
            sofa_group(layout);
            if layout.random.chance(0.6) {
                sofa_group(layout);
            }
            chairs_along_walls(layout, 2);
            let cases = layout.random.count(1, 3) as f32;
            repeat(layout, many(cases), Layout::put_bookcase);
            if layout.random.chance(0.3) {
                repeat(layout, 1, Layout::put_work_place);
            }
        }
        RoomKind::Laboratory => {
            let benches = (area / 5.0).clamp(2.0, 9.0);
            repeat(layout, many(benches), put_bench);
            let cases = layout.random.count(1, 3) as f32;
            repeat(layout, many(cases), Layout::put_bookcase);
            repeat(layout, many(1.0), Layout::put_work_place);
        }
        RoomKind::Storage => {
            let cases = (area / 2.5).clamp(3.0, 9.0);
            let racks = layout.random.chance(0.6);
            for _ in 0..many(cases) {
                if racks {
                    let rack = Bookcase::rack(&mut layout.random, layout.headroom);
                    layout.put_this_bookcase(&rack);
                } else {
                    layout.put_bookcase();
                }
            }
            for _ in 0..many(5.0) {
                let boxes = Clutter::boxes(&mut layout.random);
                layout.put_on_floor(&boxes);
            }
            repeat(layout, many(1.0), put_bench);
        }
        RoomKind::OpenOffice => {
            repeat(layout, many(area / 12.0), Layout::put_work_place);
            repeat(layout, many(area / 12.0), Layout::put_bookcase);
            sofa_group(layout);
        }
        RoomKind::Lobby => {
            repeat(layout, many(area / 14.0), |layout| {
                sofa_group(layout);
                true
            });
            repeat(layout, 1, put_bench);
            chairs_along_walls(layout, 6);
            if layout.random.chance(0.5) {
                repeat(layout, 1, Layout::put_bookcase);
            }
        }
        RoomKind::Canteen => {
            repeat(layout, many(area / 7.0), |layout| {
                centre_table(layout);
                true
            });
            repeat(layout, 2, put_bench);
            repeat(layout, 1, Layout::put_bookcase);
        }
        RoomKind::Classroom => {
            rows_of_tables(layout);
            let cases = layout.random.count(0, 2) as f32;
            repeat(layout, many(cases), Layout::put_bookcase);
        }
    }
    let stands = match kind {
        RoomKind::Meeting | RoomKind::Classroom | RoomKind::OpenOffice => 0.4,
        RoomKind::Office | RoomKind::Laboratory => 0.25,
        _ => 0.08,
    };
    if layout.random.chance(stands) {
        layout.put_board_stand();
    }
    let most = if layout.random.chance(0.5) { 1 + (area / 12.0) as usize } else { 0 };
    people(layout, most);
    let loose = layout.random.range(1.0, 4.0 + area / 5.0).min(14.0);
    layout.put_floor_clutter(many(loose));
}
