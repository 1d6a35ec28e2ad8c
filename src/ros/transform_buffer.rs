//! The tf buffer: where was frame A in frame B at time t?
//!
//! Frames form a tree; each edge is fixed (`/tf_static`) or a short history of poses (`/tf`).
//! A lookup walks from both frames to their common ancestor and interpolates every moving edge at
//! the stamp. What is not known is an error that says what is missing and by how much; nothing is
//! ever replaced by identity, and nothing is extrapolated.
//!
//! Memory is bounded by [`BufferLimits`]. A pose that is far older than the newest of its edge means
//! that time jumped back (a bag that loops, a simulation that restarts): the edge's history is
//! dropped and counted, and begins anew. Only that edge: two publishers with different clocks on
//! one edge do not take the whole tree down.

use super::interpolation::interpolate;
use super::{Time, TransformError, TransformStamped};
use nalgebra::{Isometry3, Quaternion, Translation3, UnitQuaternion};
use std::collections::{BTreeMap, VecDeque};

/// How much a [`TransformBuffer`] may remember.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferLimits {
    /// Poses older than this before an edge's newest are forgotten, in nanoseconds.
    pub history: i64,
    /// A pose this much older than its edge's newest is a jump of time, in nanoseconds; less is a
    /// latecomer and is sorted in.
    pub lateness: i64,
    /// Most poses kept of one edge; the oldest go first.
    pub entries_per_edge: usize,
    /// Most frames.
    pub frames: usize,
    /// Longest frame name, in bytes.
    pub name_length: usize,
}

impl Default for BufferLimits {
    /// 10 s as in tf2, 1 s lateness, 10 000 poses an edge (1 kHz), 1024 frames, 256-byte names.
    fn default() -> Self {
        Self {
            history: 10_000_000_000,
            lateness: 1_000_000_000,
            entries_per_edge: 10_000,
            frames: 1024,
            name_length: 256,
        }
    }
}

/// What happened to a [`TransformBuffer`] so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BufferCounts {
    /// Transforms taken in.
    pub inserted: u64,
    /// Transforms refused with an error.
    pub rejected: u64,
    /// Transforms that came after a newer one of their edge.
    pub late: u64,
    /// Histories dropped because time jumped back.
    pub time_jumps: u64,
    /// Frames that moved to another parent.
    pub reparented: u64,
}

/// Quaternions shorter than this are noise around zero, not rotations.
const SHORTEST_QUATERNION: f64 = 1e-3;

#[derive(Debug)]
enum Motion {
    Fixed(Isometry3<f64>),
    /// Poses by stamp, oldest first, never empty.
    Moving(VecDeque<(i64, Isometry3<f64>)>),
}

#[derive(Debug)]
struct Edge {
    parent: usize,
    motion: Motion,
}

#[derive(Debug)]
struct Frame {
    name: String,
    edge: Option<Edge>,
}

/// Remembers transforms and answers lookups. See the module's text.
#[derive(Debug, Default)]
pub struct TransformBuffer {
    limits: BufferLimits,
    frames: Vec<Frame>,
    index: BTreeMap<String, usize>,
    counts: BufferCounts,
}

/// tf of ROS 1 began names with a slash; some drivers still do.
fn normalise(name: &str) -> &str {
    name.strip_prefix('/').unwrap_or(name)
}

impl TransformBuffer {
    /// An empty buffer.
    pub fn new(limits: BufferLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// What happened so far.
    pub fn counts(&self) -> BufferCounts {
        self.counts
    }

    /// Names of all frames, in order of appearance.
    pub fn frame_names(&self) -> impl Iterator<Item = &str> {
        self.frames.iter().map(|frame| frame.name.as_str())
    }

    /// Forgets every moving edge; fixed ones stay. For a clock that is known to have been reset.
    pub fn clear_moving(&mut self) {
        for frame in &mut self.frames {
            frame.edge.take_if(|edge| matches!(edge.motion, Motion::Moving(_)));
        }
    }

    /// Takes in one transform. The latest message decides an edge's parent and kind. A quaternion
    /// that is not of unit length is normalised.
    ///
    /// # Errors
    /// Names, poses and circles that cannot be; the buffer is then unchanged, apart from the count
    /// of refused transforms.
    pub fn insert(&mut self, transform: &TransformStamped<'_>, is_static: bool) -> Result<(), TransformError> {
        let result = self.try_insert(transform, is_static);
        match result {
            Ok(()) => self.counts.inserted += 1,
            Err(_) => self.counts.rejected += 1,
        }
        result
    }

    fn try_insert(&mut self, transform: &TransformStamped<'_>, is_static: bool) -> Result<(), TransformError> {
        let parent_name = self.checked_name(transform.header.frame_id)?;
        let child_name = self.checked_name(transform.child_frame_id)?;
        let pose = checked_pose(transform, parent_name, child_name)?;
        if self.is_above(child_name, parent_name) {
            return Err(TransformError::Cycle { parent: parent_name.into(), child: child_name.into() });
        }
        let missing = [parent_name, child_name].iter().filter(|name| !self.index.contains_key(**name)).count();
        if self.frames.len() + missing > self.limits.frames {
            let frame = if self.index.contains_key(child_name) { parent_name } else { child_name };
            return Err(TransformError::TooManyFrames { frame: frame.into(), maximum: self.limits.frames });
        }
        let parent = self.intern(parent_name);
        let child = self.intern(child_name);

        let stamp = transform.header.stamp.nanoseconds();
        let Some(edge) = &mut self.frames[child].edge else {
            self.frames[child].edge = Some(Edge { parent, motion: begin(stamp, pose, is_static) });
            return Ok(());
        };
        if edge.parent != parent {
            self.counts.reparented += 1;
            *edge = Edge { parent, motion: begin(stamp, pose, is_static) };
            return Ok(());
        }
        match &mut edge.motion {
            Motion::Moving(history) if !is_static => {
                let newest = history.back().map_or(stamp, |(stamp, _)| *stamp);
                self.counts.late += u64::from(stamp < newest);
                if newest - stamp > self.limits.lateness {
                    self.counts.time_jumps += 1;
                    history.clear();
                }
                insert_sorted(history, stamp, pose, &self.limits);
            }
            motion => *motion = begin(stamp, pose, is_static),
        }
        Ok(())
    }

    /// The transform that takes points of frame `source` into frame `target`, both at `stamp`.
    /// Identity if and only if the two names are the same.
    ///
    /// # Errors
    /// [`TransformError::UnknownFrame`], [`TransformError::NotConnected`],
    /// [`TransformError::BeforeOldest`], [`TransformError::AfterNewest`],
    /// [`TransformError::FrameName`].
    pub fn lookup(&self, target: &str, source: &str, stamp: Time) -> Result<Isometry3<f64>, TransformError> {
        let (target, source) = (self.checked_name(target)?, self.checked_name(source)?);
        if target == source {
            return Ok(Isometry3::identity());
        }
        let (mut target_at, mut source_at) = (self.find(target)?, self.find(source)?);
        let (mut target_depth, target_root) = self.depth(target_at);
        let (mut source_depth, source_root) = self.depth(source_at);
        if target_root != source_root {
            return Err(TransformError::NotConnected {
                target: target.into(),
                source_frame: source.into(),
                target_root: self.frames[target_root].name.clone(),
                source_root: self.frames[source_root].name.clone(),
            });
        }
        let stamp = stamp.nanoseconds();
        // Poses of target and source in the frames that `*_at` point to.
        let (mut from_target, mut from_source) = (Isometry3::identity(), Isometry3::identity());
        while target_at != source_at {
            let (at, pose, depth) = if target_depth >= source_depth {
                (&mut target_at, &mut from_target, &mut target_depth)
            } else {
                (&mut source_at, &mut from_source, &mut source_depth)
            };
            let (parent, step) = self.step_up(*at, stamp)?;
            *pose = step * *pose;
            *at = parent;
            *depth -= 1;
        }
        Ok(from_target.inverse() * from_source)
    }

    fn checked_name<'n>(&self, name: &'n str) -> Result<&'n str, TransformError> {
        let name = normalise(name);
        let maximum = self.limits.name_length;
        if name.is_empty() || name.len() > maximum {
            return Err(TransformError::FrameName { actual: name.len(), maximum });
        }
        Ok(name)
    }

    fn find(&self, name: &str) -> Result<usize, TransformError> {
        self.index.get(name).copied().ok_or_else(|| TransformError::UnknownFrame { frame: name.into() })
    }

    fn intern(&mut self, name: &str) -> usize {
        if let Some(at) = self.index.get(name) {
            return *at;
        }
        self.frames.push(Frame { name: name.to_owned(), edge: None });
        self.index.insert(name.to_owned(), self.frames.len() - 1);
        self.frames.len() - 1
    }

    /// Whether `upper` is `lower` or above it.
    fn is_above(&self, upper: &str, lower: &str) -> bool {
        if upper == lower {
            return true;
        }
        let (Some(upper), Some(mut at)) = (self.index.get(upper), self.index.get(lower).copied()) else { return false };
        while let Some(edge) = &self.frames[at].edge {
            at = edge.parent;
            if at == *upper {
                return true;
            }
        }
        false
    }

    /// Number of edges above a frame, and the root. Ends because insertion refuses circles.
    fn depth(&self, mut at: usize) -> (usize, usize) {
        let mut depth = 0;
        while let Some(edge) = &self.frames[at].edge {
            at = edge.parent;
            depth += 1;
        }
        (depth, at)
    }

    /// Parent of a frame and the frame's pose in it.
    fn step_up(&self, at: usize, stamp: i64) -> Result<(usize, Isometry3<f64>), TransformError> {
        let frame = &self.frames[at];
        // Both frames have the same root, so an edge is missing only at that root, which ends the walk.
        let edge = frame.edge.as_ref().ok_or_else(|| TransformError::UnknownFrame { frame: frame.name.clone() })?;
        let history = match &edge.motion {
            Motion::Fixed(pose) => return Ok((edge.parent, *pose)),
            Motion::Moving(history) => history,
        };
        let names = || (self.frames[edge.parent].name.clone(), frame.name.clone());
        let after = history.partition_point(|(known, _)| *known < stamp);
        let pose = match (after.checked_sub(1).and_then(|before| history.get(before)), history.get(after)) {
            (_, Some((known, pose))) if *known == stamp => *pose,
            (Some((from_stamp, from)), Some((to_stamp, to))) => {
                let fraction = (stamp - from_stamp) as f64 / (to_stamp - from_stamp) as f64;
                interpolate(from, to, fraction)
            }
            (None, Some((oldest, _))) => {
                let (parent, child) = names();
                return Err(TransformError::BeforeOldest { parent, child, stamp, by: oldest - stamp });
            }
            (newest, None) => {
                let (parent, child) = names();
                let by = newest.map_or(0, |(newest, _)| stamp - newest);
                return Err(TransformError::AfterNewest { parent, child, stamp, by });
            }
        };
        Ok((edge.parent, pose))
    }
}

fn begin(stamp: i64, pose: Isometry3<f64>, is_static: bool) -> Motion {
    if is_static { Motion::Fixed(pose) } else { Motion::Moving(VecDeque::from([(stamp, pose)])) }
}

/// Sorts a pose in (a second one of the same stamp replaces the first), then forgets what is too
/// old or too much.
fn insert_sorted(
    history: &mut VecDeque<(i64, Isometry3<f64>)>,
    stamp: i64,
    pose: Isometry3<f64>,
    limits: &BufferLimits,
) {
    // Nearly always the end: search from there.
    let mut at = history.len();
    while at > 0 && history[at - 1].0 >= stamp {
        at -= 1;
    }
    match history.get_mut(at) {
        Some(entry) if entry.0 == stamp => entry.1 = pose,
        _ => history.insert(at, (stamp, pose)),
    }
    let newest = history.back().map_or(stamp, |(stamp, _)| *stamp);
    while history.len() > limits.entries_per_edge.max(1)
        || history.front().is_some_and(|(oldest, _)| newest - oldest > limits.history)
    {
        history.pop_front();
    }
}

fn checked_pose(transform: &TransformStamped<'_>, parent: &str, child: &str) -> Result<Isometry3<f64>, TransformError> {
    let finite = |values: &[f64]| values.iter().all(|value| value.is_finite());
    for (what, is_finite) in
        [("translation", finite(&transform.translation)), ("rotation", finite(&transform.rotation))]
    {
        if !is_finite {
            return Err(TransformError::NotFinite { parent: parent.into(), child: child.into(), what });
        }
    }
    let [x, y, z, w] = transform.rotation;
    // Scaled by the largest component first, so that squares neither overflow nor vanish.
    let largest = [x, y, z, w].iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
    let scaled = Quaternion::new(w, x, y, z) / largest;
    let scaled_norm = scaled.coords.dot(&scaled.coords).sqrt();
    let norm = if largest > 0.0 { largest * scaled_norm } else { 0.0 };
    if norm < SHORTEST_QUATERNION {
        return Err(TransformError::ZeroQuaternion { parent: parent.into(), child: child.into(), norm });
    }
    let [tx, ty, tz] = transform.translation;
    Ok(Isometry3::from_parts(Translation3::new(tx, ty, tz), UnitQuaternion::new_unchecked(scaled / scaled_norm)))
}
