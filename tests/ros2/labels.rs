//! What a labelled cloud keeps of its input.

use instanton::ros::{Message, PointCloud2View, PointField};

/// Checks that a labelled cloud has the input's stamp, frame, shape and fields, byte by byte, and the labels.
pub fn check_labelled(input: &[u8], labelled: &[u8]) {
    let (input, labelled) = (PointCloud2View::decode(input).unwrap(), PointCloud2View::decode(labelled).unwrap());
    assert_eq!(labelled.header, input.header);
    assert_eq!((labelled.height, labelled.width), (input.height, input.width));
    let field = |name: &str| -> PointField<'_> {
        labelled.fields.iter().find(|field| field.name == name).unwrap_or_else(|| panic!("no field {name}"))
    };
    for name in ["label", "instance", "confidence"] {
        field(name);
    }
    // A colour is given anew.
    for before in input.fields.iter().filter(|field| !["rgb", "rgba"].contains(&field.name)) {
        let after = field(before.name);
        assert_eq!((after.datatype, after.count), (before.datatype, before.count), "{}", before.name);
        let bytes = before.count as usize * [0, 1, 1, 2, 2, 4, 4, 4, 8][before.datatype as usize];
        let column = |cloud: &PointCloud2View<'_>, offset: u32| -> Vec<u8> {
            let points = cloud.data.chunks_exact(cloud.point_step as usize);
            points.flat_map(|point| point[offset as usize..][..bytes].to_vec()).collect()
        };
        assert!(column(&input, before.offset) == column(&labelled, after.offset), "{}", before.name);
    }
}
