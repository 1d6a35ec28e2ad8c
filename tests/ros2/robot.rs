//! A robot in a few lines: a sensor, its transforms, and somebody who looks at what the node makes of it.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use instanton::ros::interfaces::{Clock, DiagnosticArray, Log};
use instanton::ros::{
    Header, Message, MessageType, Middleware, PointCloud2View, PointField, Publisher, Qos, Received, Sequence,
    Subscription, TfMessage, Time, TransformStamped, datatype,
};
use instanton::transport::dds::Dds;

use crate::peer::{PATIENCE, node};
use crate::support::corner;

/// A robot on a domain.
pub struct Robot {
    dds: Dds,
    pub clouds: Box<dyn Publisher>,
    pub transforms: [Box<dyn Publisher>; 2],
    pub clock: Box<dyn Publisher>,
    labelled: (Receiver<Vec<u8>>, Box<dyn Subscription>),
    reports: (Receiver<Vec<u8>>, Box<dyn Subscription>),
    log: (Receiver<Vec<u8>>, Box<dyn Subscription>),
}

/// What the node says of itself on `/diagnostics`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub level: u8,
    pub message: String,
    pub values: BTreeMap<String, String>,
}

impl Report {
    /// A value that is a count; 0 where it is not told.
    pub fn count(&self, key: &str) -> u64 {
        self.values.get(key).map_or(0, |value| value.parse().unwrap())
    }
}

impl Robot {
    pub fn new(domain: u16) -> Self {
        let dds = node(domain);
        let publish = |topic, message, qos| dds.publish(topic, message, qos).unwrap();
        let clouds = publish("/points", PointCloud2View::TYPE, Qos::SENSOR_DATA);
        let transforms = [
            publish("/tf_static", TfMessage::TYPE, Qos::LATCHED),
            publish("/tf", TfMessage::TYPE, Qos { depth: 100, ..Qos::DEFAULT }),
        ];
        let clock = publish("/clock", Clock::TYPE, Qos { depth: 1, ..Qos::SENSOR_DATA });
        let hear = |topic: &str, message: MessageType| hear(&dds, topic, message, Qos::DEFAULT);
        let labelled = hear("/instanton/labelled", PointCloud2View::TYPE);
        let (reports, log) = (hear("/diagnostics", DiagnosticArray::TYPE), hear("/rosout", Log::TYPE));
        Self { clouds, transforms, clock, labelled, reports, log, dds }
    }

    /// Its place on the network.
    pub fn dds(&self) -> &Dds {
        &self.dds
    }

    /// Sends the sensor's place on the robot, and where the robot is at a time.
    pub fn send_transforms(&self, stamp: i64) {
        for (publisher, [parent, child]) in self.transforms.iter().zip([["base_link", "lidar"], ["odom", "base_link"]])
        {
            // A reader that has just come may take longer for all that is latched than sending waits.
            if let Err(error) = publisher.send(&transform(parent, child, stamp)) {
                eprintln!("{error}");
            }
        }
    }

    /// The next labelled cloud.
    pub fn labelled(&self) -> Vec<u8> {
        self.labelled.0.recv_timeout(PATIENCE).expect("a labelled cloud")
    }

    /// Those labelled clouds that have come, and come within a time.
    pub fn labelled_within(&self, time: Duration) -> Vec<Vec<u8>> {
        let end = Instant::now() + time;
        let left = || end.saturating_duration_since(Instant::now());
        std::iter::from_fn(|| self.labelled.0.recv_timeout(left()).ok()).collect()
    }

    /// Sends a cloud again and again until one comes back labelled: at first the node may not have met the sensor.
    pub fn sent_until_labelled(&self, frame: &str) -> Vec<u8> {
        self.sent_until_labelled_by(&*self.clouds, frame)
    }

    /// The same by another publisher.
    pub fn sent_until_labelled_by(&self, clouds: &dyn Publisher, frame: &str) -> Vec<u8> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            let stamp = now();
            self.send_transforms(stamp);
            clouds.send(&cloud(stamp, frame, 2000)).unwrap();
            let deadline = Instant::now() + Duration::from_millis(300);
            while let Ok(labelled) = self.labelled.0.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                if header(&labelled).1 == frame {
                    return labelled;
                }
            }
        }
        panic!("nothing labelled within {PATIENCE:?}");
    }

    /// The next report for which something holds.
    pub fn reports(&self, what: &str, holds: impl Fn(&Report) -> bool) -> Report {
        let end = Instant::now() + PATIENCE;
        let mut last = None;
        while let Ok(bytes) = self.reports.0.recv_timeout(end.saturating_duration_since(Instant::now())) {
            let array = DiagnosticArray::decode(&bytes).unwrap();
            let status = array.status.iter().next().unwrap();
            let values = status.values.iter().map(|value| (value.key.to_owned(), value.value.to_owned())).collect();
            let report = Report { level: status.level, message: status.message.to_owned(), values };
            if holds(&report) {
                return report;
            }
            last = Some(report);
        }
        panic!("{what}: the last report was {last:?}");
    }

    /// What it says on `/rosout` until a line has this in it.
    pub fn logs(&self, what: &str) {
        let end = Instant::now() + PATIENCE;
        while let Ok(bytes) = self.log.0.recv_timeout(end.saturating_duration_since(Instant::now())) {
            if Log::decode(&bytes).unwrap().msg.contains(what) {
                return;
            }
        }
        panic!("/rosout does not say {what:?}");
    }
}

/// A subscription and what it hears.
pub fn hear(dds: &Dds, topic: &str, message: MessageType, qos: Qos) -> (Receiver<Vec<u8>>, Box<dyn Subscription>) {
    let (said, heard) = channel();
    let on_message = move |received: Received<'_>| drop(said.send(received.bytes.to_vec()));
    (heard, dds.subscribe(topic, message, qos, Box::new(on_message)).unwrap())
}

/// The time of the system (ns).
pub fn now() -> i64 {
    instanton::ros::system_time().nanoseconds()
}

/// Stamp (ns) and frame of a cloud.
pub fn header(cloud: &[u8]) -> (i64, String) {
    let header = PointCloud2View::decode(cloud).unwrap().header;
    (header.stamp.nanoseconds(), header.frame_id.to_owned())
}

/// A corner of a room as a sensor sees it that stands 1 m above the floor: x, y, z and an intensity.
pub fn cloud(stamp: i64, frame: &str, points: usize) -> Vec<u8> {
    let bytes = |(index, [x, y, z]): (usize, &[f32; 3])| [*x, *y, *z, index as f32].map(f32::to_le_bytes);
    let data: Vec<u8> = corner(points).iter().enumerate().flat_map(bytes).flatten().collect();
    cloud_of(stamp, frame, &["x", "y", "z", "intensity"].map(|name| (name, datatype::FLOAT32, 4)), &data)
}

/// A cloud of these fields (name, type, bytes) one behind the other.
pub fn cloud_of(stamp: i64, frame: &str, fields: &[(&str, u8, u32)], data: &[u8]) -> Vec<u8> {
    let mut offset = 0;
    let fields: Vec<PointField<'_>> = fields
        .iter()
        .map(|&(name, datatype, bytes)| {
            offset += bytes;
            PointField { name, offset: offset - bytes, datatype, count: 1 }
        })
        .collect();
    let width = data.len() as u32 / offset;
    let view = PointCloud2View {
        header: Header { stamp: Time::from_nanoseconds(stamp), frame_id: frame },
        height: 1,
        width,
        fields: Sequence::listed(&fields),
        is_bigendian: false,
        point_step: offset,
        row_step: width * offset,
        data,
        is_dense: true,
    };
    let mut out = Vec::new();
    view.encode(&mut out).unwrap();
    out
}

/// A transform that lifts by a metre where the sensor sits on the robot, and not at all elsewhere.
pub fn transform(parent: &str, child: &str, stamp: i64) -> Vec<u8> {
    let transform = TransformStamped {
        header: Header { stamp: Time::from_nanoseconds(stamp), frame_id: parent },
        child_frame_id: child,
        translation: [0.0, 0.0, if child == "lidar" { 1.0 } else { 0.0 }],
        rotation: [0.0, 0.0, 0.0, 1.0],
    };
    let mut out = Vec::new();
    TfMessage { transforms: Sequence::listed(&[transform]) }.encode(&mut out).unwrap();
    out
}
