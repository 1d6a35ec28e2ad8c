use super::*;
use crate::ros::{Coefficients, RegionOfInterest};

const CAMERA: CameraInfo<'static> = CameraInfo {
    header: crate::ros::Header { stamp: crate::ros::Time { sec: 0, nanosec: 0 }, frame_id: "camera" },
    height: 3,
    width: 4,
    distortion_model: "plumb_bob",
    d: Coefficients::NONE,
    k: [2.0, 0.0, 1.5, 0.0, 4.0, 1.0, 0.0, 0.0, 1.0],
    r: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
    p: [8.0, 0.0, 1.0, 0.0, 0.0, 8.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
    binning_x: 0,
    binning_y: 0,
    roi: RegionOfInterest { x_offset: 0, y_offset: 0, height: 0, width: 0, do_rectify: false },
};

fn image<'a>(encoding: &'a str, step: u32, data: &'a [u8]) -> ImageView<'a> {
    ImageView { header: CAMERA.header, height: 3, width: 4, encoding, is_bigendian: false, step, data }
}

/// 4 × 3 depths in millimetres; two pixels without depth.
const DEPTH: [u16; 12] = [1000, 2000, 0, 4000, 500, 600, 700, 800, 65535, 1, 0, 9];

fn millimetre_bytes(padding: usize, big_endian: bool) -> Vec<u8> {
    let bytes = |value: &u16| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    DEPTH.chunks(4).flat_map(|row| row.iter().flat_map(bytes).chain(vec![0xAB; padding])).collect()
}

fn project(depth: &ImageView<'_>, camera: &CameraInfo<'_>) -> Result<Cloud, DepthError> {
    let mut cloud = Cloud::default();
    DepthProjector::new().project(depth, camera, ImageGeometry::Raw, None, &mut cloud)?;
    Ok(cloud)
}

fn bits(cloud: &Cloud) -> Vec<[u32; 3]> {
    cloud.position.iter().map(|position| position.map(f32::to_bits)).collect()
}

#[test]
fn pinhole_in_every_byte_order_and_padding() {
    let data = millimetre_bytes(0, false);
    let plain = project(&image("16UC1", 8, &data), &CAMERA).unwrap();
    assert_eq!(plain.position[0], [-0.75, -0.25, 1.0]);
    assert_eq!(plain.position[7], [0.75 * 0.8, 0.0, 0.8]);
    assert!(plain.position[2].iter().all(|value| value.is_nan()));
    assert_eq!(plain.colour, None);

    let padded = millimetre_bytes(3, true);
    let view = ImageView { is_bigendian: true, ..image("mono16", 11, &padded) };
    assert_eq!(bits(&project(&view, &CAMERA).unwrap()), bits(&plain));

    let metres: Vec<f32> = DEPTH
        .iter()
        .enumerate()
        .map(|(index, mm)| if *mm == 0 { [f32::NAN, -1.0][index % 2] } else { f32::from(*mm) / 1000.0 })
        .collect();
    let little: Vec<u8> = metres.iter().flat_map(|value| value.to_le_bytes()).collect();
    assert_eq!(bits(&project(&image("32FC1", 16, &little), &CAMERA).unwrap()), bits(&plain));
    let big: Vec<u8> = metres.iter().flat_map(|value| value.to_be_bytes()).collect();
    let view = ImageView { is_bigendian: true, ..image("32FC1", 16, &big) };
    assert_eq!(bits(&project(&view, &CAMERA).unwrap()), bits(&plain));
    for worthless in [f32::INFINITY, 0.0, -0.0, f32::NEG_INFINITY] {
        let data = [worthless; 12].map(f32::to_le_bytes).concat();
        let cloud = project(&image("32FC1", 16, &data), &CAMERA).unwrap();
        assert!(cloud.position.iter().flatten().all(|value| value.is_nan()));
    }
}

#[test]
fn colour_is_attached_pixel_by_pixel() {
    let data = millimetre_bytes(0, false);
    let depth = image("16UC1", 8, &data);
    let pixels: Vec<[u8; 3]> = (0..12).map(|index| [index, 100 + index, 200 + index]).collect();
    type WritePixel = fn([u8; 3]) -> Vec<u8>;
    let layouts: [(&str, WritePixel); 4] = [
        ("rgb8", |[r, g, b]| vec![r, g, b]),
        ("bgr8", |[r, g, b]| vec![b, g, r]),
        ("rgba8", |[r, g, b]| vec![r, g, b, 1]),
        ("bgra8", |[r, g, b]| vec![b, g, r, 1]),
    ];
    let (mut projector, mut cloud) = (DepthProjector::new(), Cloud::default());
    for (encoding, write) in layouts {
        let mut bytes: Vec<u8> = Vec::new();
        for row in pixels.chunks(4) {
            bytes.extend(row.iter().flat_map(|pixel| write(*pixel)));
            bytes.extend([7; 5]);
        }
        let step = bytes.len() as u32 / 3;
        let colour = image(encoding, step, &bytes);
        projector.project(&depth, &CAMERA, ImageGeometry::Raw, Some(&colour), &mut cloud).unwrap();
        assert_eq!(cloud.colour.as_ref().unwrap(), &pixels, "{encoding}");
    }
    let grey: Vec<u8> = (0..12).collect();
    let colour = image("mono8", 4, &grey);
    projector.project(&depth, &CAMERA, ImageGeometry::Raw, Some(&colour), &mut cloud).unwrap();
    assert_eq!(cloud.colour.as_ref().unwrap()[5], [5; 3]);
    projector.project(&depth, &CAMERA, ImageGeometry::Raw, None, &mut cloud).unwrap();
    assert_eq!(cloud.colour, None);
    assert_eq!(projector.tables_built(), 1);

    let before = cloud.clone();
    let small = ImageView { width: 3, ..colour };
    let error = projector.project(&depth, &CAMERA, ImageGeometry::Raw, Some(&small), &mut cloud).unwrap_err();
    assert!(matches!(error, DepthError::Size { .. }), "{error}");
    let odd = ImageView { encoding: "yuv422", ..colour };
    let error = projector.project(&depth, &CAMERA, ImageGeometry::Raw, Some(&odd), &mut cloud).unwrap_err();
    assert!(matches!(error, DepthError::Encoding { image: "colour", .. }), "{error}");
    assert_eq!(bits(&cloud), bits(&before));
}

#[test]
fn rays_follow_the_lens_the_region_and_the_binning() {
    let data = [1000u16.to_le_bytes(); 12].concat();
    let depth = image("16UC1", 8, &data);
    for (model, d) in [
        ("plumb_bob", &[-0.1, 0.02, 0.001, -0.002, 0.003][..]),
        ("rational_polynomial", &[0.44, -0.6, 0.0007, -0.0003, 0.4, 0.33, -0.46, 0.3][..]),
        ("equidistant", &[-0.01, 0.04, -0.03, 0.007][..]),
    ] {
        let camera = CameraInfo { distortion_model: model, d: Coefficients::from_slice(d).unwrap(), ..CAMERA };
        let cloud = project(&depth, &camera).unwrap();
        let lens = Lens::new(model, d).unwrap();
        for (pixel, [x, y, z]) in cloud.position.iter().enumerate() {
            // Where the lens shows the point is the pixel that it came from.
            let seen = lens.distort([f64::from(x / z), f64::from(y / z)]);
            let (u, v) = (seen[0] * 2.0 + 1.5, seen[1] * 4.0 + 1.0);
            let off = (u - (pixel % 4) as f64).abs() + (v - (pixel / 4) as f64).abs();
            assert!(off < 1e-5, "{model} pixel {pixel}: {u} {v}");
        }
    }

    // The same sensor, twice as fine, of which the image shows the part from (2, 4), binned by 2.
    let region = RegionOfInterest { x_offset: 2, y_offset: 4, width: 8, height: 6, do_rectify: false };
    let fine = CameraInfo {
        width: 20,
        height: 20,
        k: [4.0, 0.0, 5.0, 0.0, 8.0, 6.0, 0.0, 0.0, 1.0],
        binning_x: 2,
        binning_y: 2,
        roi: region,
        ..CAMERA
    };
    assert_eq!(bits(&project(&depth, &fine).unwrap()), bits(&project(&depth, &CAMERA).unwrap()));

    let (mut projector, mut cloud) = (DepthProjector::new(), Cloud::default());
    projector.project(&depth, &CAMERA, ImageGeometry::Rectified, None, &mut cloud).unwrap();
    assert_eq!(cloud.position[0], [-0.125, -0.125, 1.0]);
    projector.project(&depth, &CAMERA, ImageGeometry::Raw, None, &mut cloud).unwrap();
    assert_eq!(cloud.position[0], [-0.75, -0.25, 1.0]);
    assert_eq!(projector.tables_built(), 2);
}

#[test]
fn what_no_camera_can_be_is_a_typed_error() {
    let data = millimetre_bytes(0, false);
    let depth = image("16UC1", 8, &data);
    let k = |index: usize, value: f64| {
        let mut camera = CAMERA;
        camera.k[index] = value;
        project(&depth, &camera).unwrap_err()
    };
    for value in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(k(0, value), DepthError::Intrinsics { what: "focal length fx", .. }), "{value}");
        assert!(matches!(k(4, value), DepthError::Intrinsics { what: "focal length fy", .. }), "{value}");
    }
    assert!(matches!(k(2, f64::NAN), DepthError::Intrinsics { .. }));
    let strange = CameraInfo { distortion_model: "strange", d: Coefficients::from_slice(&[1.0]).unwrap(), ..CAMERA };
    assert!(matches!(project(&depth, &strange), Err(DepthError::Lens(_))));
    let other_size = CameraInfo { width: 5, ..CAMERA };
    assert!(matches!(project(&depth, &other_size), Err(DepthError::Size { .. })));
    let huge = ImageView { width: u32::MAX, height: u32::MAX, step: u32::MAX, ..depth };
    assert!(matches!(project(&huge, &CAMERA), Err(DepthError::Step { .. })));
    let tall = ImageView { height: u32::MAX, ..depth };
    assert!(matches!(project(&tall, &CAMERA), Err(DepthError::DataLength { .. })));
    let short = ImageView { data: &data[..23], ..depth };
    assert!(matches!(project(&short, &CAMERA), Err(DepthError::DataLength { actual: 23, needed: 24, .. })));
    let overlapping = ImageView { step: 7, ..depth };
    assert!(matches!(project(&overlapping, &CAMERA), Err(DepthError::Step { .. })));
    let wrong = ImageView { encoding: "rgb8", ..depth };
    assert!(matches!(project(&wrong, &CAMERA), Err(DepthError::Encoding { .. })));
    let empty = ImageView { width: 0, height: 0, step: 0, data: &[], ..depth };
    let nothing = CameraInfo { width: 0, height: 0, ..CAMERA };
    assert_eq!(project(&empty, &nothing).unwrap().len(), 0);
}
