//! `sensor_msgs/msg/CameraInfo`.

use super::cdr::{CdrError, CdrReader, CdrWriter};
use super::message::{definition, header_definition, time_definition};
use super::{Header, Message, MessageType};

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

fn numbers<const N: usize>(reader: &mut CdrReader<'_>, field: &'static str) -> Result<[f64; N], CdrError> {
    let mut values = [0.0; N];
    for value in &mut values {
        *value = reader.f64(field)?;
    }
    Ok(values)
}

fn coefficients(reader: &mut CdrReader<'_>) -> Result<Coefficients, CdrError> {
    let field = "CameraInfo.d";
    let count = reader.sequence_length(field, size_of::<f64>())? as usize;
    let mut d = Coefficients { count, ..Coefficients::default() };
    let places = d.value.get_mut(..count).ok_or(CdrError::TooMany {
        field,
        maximum: Coefficients::MAXIMUM as u64,
        actual: count as u64,
    })?;
    for place in places {
        *place = reader.f64(field)?;
    }
    Ok(d)
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

    fn decode(message: &'a [u8]) -> Result<Self, CdrError> {
        let reader = &mut CdrReader::new(message)?;
        Ok(Self {
            header: Header::read(reader)?,
            height: reader.u32("CameraInfo.height")?,
            width: reader.u32("CameraInfo.width")?,
            distortion_model: reader.text("CameraInfo.distortion_model")?,
            d: coefficients(reader)?,
            k: numbers(reader, "CameraInfo.k")?,
            r: numbers(reader, "CameraInfo.r")?,
            p: numbers(reader, "CameraInfo.p")?,
            binning_x: reader.u32("CameraInfo.binning_x")?,
            binning_y: reader.u32("CameraInfo.binning_y")?,
            roi: RegionOfInterest {
                x_offset: reader.u32("CameraInfo.roi.x_offset")?,
                y_offset: reader.u32("CameraInfo.roi.y_offset")?,
                height: reader.u32("CameraInfo.roi.height")?,
                width: reader.u32("CameraInfo.roi.width")?,
                do_rectify: reader.bool("CameraInfo.roi.do_rectify")?,
            },
        })
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), CdrError> {
        let writer = &mut CdrWriter::new(out);
        self.header.write(writer)?;
        writer.u32(self.height);
        writer.u32(self.width);
        writer.text("CameraInfo.distortion_model", self.distortion_model)?;
        writer.length("CameraInfo.d", self.d.count)?;
        for value in self.d.as_slice().iter().chain(&self.k).chain(&self.r).chain(&self.p) {
            writer.f64(*value);
        }
        writer.u32(self.binning_x);
        writer.u32(self.binning_y);
        writer.u32(self.roi.x_offset);
        writer.u32(self.roi.y_offset);
        writer.u32(self.roi.height);
        writer.u32(self.roi.width);
        writer.bool(self.roi.do_rectify);
        Ok(())
    }
}
