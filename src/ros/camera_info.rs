//! `sensor_msgs/msg/CameraInfo`.

use super::cdr::{CdrError, CdrReader, CdrWriter};
use super::element::structure;
use super::message::{definition, header_definition, time_definition};
use super::{Element, Header, Message, MessageType};

/// Distortion coefficients, at most [`Coefficients::MAXIMUM`] of them: no model has more.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Coefficients {
    value: [f64; Self::MAXIMUM],
    count: usize,
}

impl Coefficients {
    /// Coefficients of OpenCV's largest model.
    pub const MAXIMUM: usize = 14;

    /// No coefficient.
    pub const NONE: Self = Self { value: [0.0; Self::MAXIMUM], count: 0 };

    /// Copies a slice.
    ///
    /// # Errors
    /// [`CdrError::TooMany`] beyond [`Coefficients::MAXIMUM`].
    pub fn from_slice(values: &[f64]) -> Result<Self, CdrError> {
        let mut value = [0.0; Self::MAXIMUM];
        let places = value.get_mut(..values.len()).ok_or(CdrError::TooMany {
            field: "CameraInfo.d",
            maximum: Self::MAXIMUM as u64,
            actual: values.len() as u64,
        })?;
        places.copy_from_slice(values);
        Ok(Self { value, count: values.len() })
    }

    /// The coefficients in the order of the message.
    pub fn as_slice(&self) -> &[f64] {
        &self.value[..self.count]
    }
}

structure! {
    /// Part of the sensor that the image shows; all zero means the whole.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct RegionOfInterest {
        /// First column, in pixels of the full resolution.
        pub x_offset: u32,
        /// First row, in pixels of the full resolution.
        pub y_offset: u32,
        /// Rows; 0 = all.
        pub height: u32,
        /// Columns; 0 = all.
        pub width: u32,
        /// Whether the rectified image has a region of its own.
        pub do_rectify: bool,
    }
}

structure! {
    /// Intrinsics of a camera.
    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    pub struct CameraInfo<'a> {
        /// Stamp and (optical) frame.
        pub header: Header<'a>,
        /// Rows at calibration.
        pub height: u32,
        /// Columns at calibration.
        pub width: u32,
        /// Name of the distortion model, for example `plumb_bob`.
        pub distortion_model: &'a str,
        /// Its coefficients.
        pub d: Coefficients,
        /// Camera matrix of the raw image, row-major: `fx 0 cx 0 fy cy 0 0 1`, pixels.
        pub k: [f64; 9],
        /// Rectification rotation, row-major.
        pub r: [f64; 9],
        /// Projection matrix of the rectified image, 3×4, row-major.
        pub p: [f64; 12],
        /// Sensor columns per image column; 0 = 1.
        pub binning_x: u32,
        /// Sensor rows per image row; 0 = 1.
        pub binning_y: u32,
        /// Which part of the sensor the image shows.
        pub roi: RegionOfInterest,
    }
}

impl<'a> Element<'a> for Coefficients {
    const SMALLEST: usize = 4;

    fn read(reader: &mut CdrReader<'a>, field: &'static str) -> Result<Self, CdrError> {
        let count = reader.sequence_length(field, size_of::<f64>())? as usize;
        let mut coefficients = Self { count, ..Self::NONE };
        let places = coefficients.value.get_mut(..count).ok_or(CdrError::TooMany {
            field,
            maximum: Self::MAXIMUM as u64,
            actual: count as u64,
        })?;
        for place in places {
            *place = reader.f64(field)?;
        }
        Ok(coefficients)
    }

    fn write(&self, writer: &mut CdrWriter<'_>, field: &'static str) -> Result<(), CdrError> {
        writer.length(field, self.count)?;
        self.as_slice().iter().for_each(|value| writer.f64(*value));
        Ok(())
    }
}

impl<'a> Message<'a> for CameraInfo<'a> {
    const TYPE: MessageType = MessageType {
        name: "sensor_msgs/msg/CameraInfo",
        definition: definition!(
            "std_msgs/Header header\nuint32 height\nuint32 width\nstring distortion_model\nfloat64[] d\n\
             float64[9] k\nfloat64[9] r\nfloat64[12] p\nuint32 binning_x\nuint32 binning_y\n\
             sensor_msgs/RegionOfInterest roi\n",
            "std_msgs/Header": header_definition!(),
            "builtin_interfaces/Time": time_definition!(),
            "sensor_msgs/RegionOfInterest":
                "uint32 x_offset\nuint32 y_offset\nuint32 height\nuint32 width\nbool do_rectify\n",
        ),
        hash: "RIHS01_b3dfd68ff46c9d56c80fd3bd4ed22c7a4ddce8c8348f2f59c299e73118e7e275",
    };
}
