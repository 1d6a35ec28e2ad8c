//! A network as data: a list of layers over the levels of a geometry plan.
//!
//! A [`Description`] says which layers there are and who reads whom; [`Architecture::new`] checks it
//! once (every input known, every level and size consistent), so that whoever walks the list, be it
//! the plain forward pass, the ONNX writer or an engine, can rely on it.
//!
//! A further variant of a network is a further description, not further code.

use super::architecture_error::ArchitectureError;
use super::description::{COLUMNS, Description, FEATURES, Layer, Operation};
use super::sizes::{LARGEST_WIDTH, check_sizes, size};
use crate::geometry::{LevelSpecification, PlanSpecification};

/// Where a layer's input comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The block's features beyond the coordinates.
    Features,
    /// Every column of the block's features.
    Columns,
    /// An earlier layer, by position in the list.
    Layer(usize),
}

/// Rows and columns of a layer's output: one row per point of a level, or one row per block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Level of the geometry plan (0 = the block).
    pub level: usize,
    /// Whether there is but one row, which speaks for the whole block (its level is 0).
    pub whole_block: bool,
    /// Values per row.
    pub channels: usize,
}

/// A checked network: the description plus everything derived from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Architecture {
    description: Description,
    sources: Vec<Vec<Source>>,
    extents: Vec<Extent>,
    after_fusion: Vec<bool>,
    logits: usize,
    embeddings: usize,
    fusion: Option<usize>,
}

impl Architecture {
    /// Checks a description.
    ///
    /// # Errors
    /// The first [`ArchitectureError`] found, naming the layer or field.
    pub fn new(description: Description) -> Result<Self, ArchitectureError> {
        check_sizes(&description)?;
        let mut architecture = Self {
            sources: Vec::new(),
            extents: Vec::new(),
            after_fusion: Vec::new(),
            logits: 0,
            embeddings: 0,
            fusion: None,
            description,
        };
        for index in 0..architecture.description.layers.len() {
            architecture.resolve(index)?;
        }
        let outputs = ["logits", "embeddings"];
        let scopes = [&architecture.description.logits, &architecture.description.embeddings];
        let mut found = [0; 2];
        for ((output, scope), slot) in outputs.into_iter().zip(scopes).zip(&mut found) {
            *slot = architecture
                .position(scope)
                .ok_or_else(|| ArchitectureError::UnknownInput { layer: output.to_owned(), input: scope.clone() })?;
            expect(output, scope, "level", 0, architecture.extents[*slot].level)?;
            if architecture.extents[*slot].whole_block {
                return Err(ArchitectureError::PerBlock { layer: output.to_owned(), input: scope.clone() });
            }
        }
        [architecture.logits, architecture.embeddings] = found;
        if architecture.after_fusion[architecture.embeddings] {
            return Err(ArchitectureError::ReadsAcrossFusion {
                layer: "embeddings".to_owned(),
                input: architecture.description.embeddings.clone(),
            });
        }
        Ok(architecture)
    }

    fn position(&self, scope: &str) -> Option<usize> {
        self.description.layers.iter().position(|layer| layer.scope == scope)
    }

    /// Resolves the inputs of layer `index`, whose predecessors are resolved, and finds its extent.
    fn resolve(&mut self, index: usize) -> Result<(), ArchitectureError> {
        let layer = &self.description.layers[index];
        let name = &layer.scope;
        if [FEATURES, COLUMNS].contains(&name.as_str())
            || self.description.layers[..index].iter().any(|earlier| &earlier.scope == name)
        {
            return Err(ArchitectureError::Duplicate { scope: name.clone() });
        }
        let needed = match layer.operation {
            Operation::SetAbstraction { .. }
            | Operation::PointConvolution { .. }
            | Operation::Interpolate { .. }
            | Operation::Dense { .. }
            | Operation::Linear { .. }
            | Operation::Gate
            | Operation::GlobalMaximum
            | Operation::GlobalMean => 1,
            Operation::FeaturePropagation { .. }
            | Operation::DepthwisePointConvolution { .. }
            | Operation::Sum
            | Operation::InstanceFusion { .. } => 2,
            Operation::Concatenate => layer.inputs.len().max(2),
        };
        if layer.inputs.len() != needed {
            let (layer, actual) = (name.clone(), layer.inputs.len());
            return Err(ArchitectureError::InputCount { layer, expected: needed, actual });
        }
        let mut sources = Vec::with_capacity(needed);
        for input in &layer.inputs {
            let unknown = || ArchitectureError::UnknownInput { layer: name.clone(), input: input.clone() };
            sources.push(match input.as_str() {
                FEATURES => Source::Features,
                COLUMNS => Source::Columns,
                _ => Source::Layer(self.position(input).filter(|&found| found < index).ok_or_else(unknown)?),
            });
        }
        let read: Vec<Extent> = sources.iter().map(|&source| self.extent_of(source)).collect();
        let extent = self.extent_from(layer, &read)?;
        let fused = |source: &Source| matches!(source, Source::Layer(earlier) if self.after_fusion[*earlier]);
        let any_fused = sources.iter().any(fused);
        let is_fusion = matches!(layer.operation, Operation::InstanceFusion { .. });
        if any_fused && (is_fusion || !sources.iter().all(fused)) {
            let input = sources.iter().position(|source| fused(source) == is_fusion).unwrap_or(0);
            return Err(ArchitectureError::ReadsAcrossFusion {
                layer: name.clone(),
                input: layer.inputs[input].clone(),
            });
        }
        if is_fusion && self.fusion.is_some() {
            return Err(ArchitectureError::Duplicate { scope: name.clone() });
        }
        if is_fusion {
            self.fusion = Some(index);
        }
        self.after_fusion.push(any_fused || is_fusion);
        self.sources.push(sources);
        self.extents.push(extent);
        Ok(())
    }

    /// Extent of a layer that reads inputs of these extents, and whether it may read them.
    fn extent_from(&self, layer: &Layer, read: &[Extent]) -> Result<Extent, ArchitectureError> {
        let name = &layer.scope;
        let per_point = |input: usize| match read[input].whole_block {
            true => Err(ArchitectureError::PerBlock { layer: name.clone(), input: layer.inputs[input].clone() }),
            false => Ok(()),
        };
        let level_is = |input: usize, level: usize| {
            per_point(input)?;
            expect(name, &layer.inputs[input], "level", level, read[input].level)
        };
        let some_channels = |input: usize| match read[input].channels {
            0 => size(format!("layer {name}: channels of {}", layer.inputs[input]), 0, 1, LARGEST_WIDTH),
            _ => Ok(()),
        };
        let asks = |level: usize, asked: bool, what| match asked {
            true => Ok(()),
            false => Err(ArchitectureError::NoNeighbourhood { layer: name.clone(), level, what }),
        };
        let levels = &self.description.levels;
        let last = |widths: &[usize]| widths.last().copied().unwrap_or_default();
        let points = |level: usize, channels: usize| Extent { level, whole_block: false, channels };
        Ok(match &layer.operation {
            Operation::SetAbstraction { level, widths } => {
                level_is(0, level - 1)?;
                points(*level, last(widths))
            }
            Operation::PointConvolution { level, widths } => {
                level_is(0, level - 1)?;
                asks(*level, levels[level - 1].density.is_some(), "density")?;
                points(*level, last(widths))
            }
            Operation::FeaturePropagation { level, widths } => {
                level_is(0, *level)?;
                level_is(1, level - 1)?;
                points(level - 1, last(widths))
            }
            Operation::DepthwisePointConvolution { level, widths } => {
                level_is(0, *level)?;
                level_is(1, level - 1)?;
                asks(level - 1, levels[level - 2].self_nearest > 0, "neighbours of its own")?;
                points(level - 1, last(widths))
            }
            Operation::Interpolate { level } => {
                level_is(0, *level)?;
                asks(*level, *level == 1 || levels[level - 1].to_block, "way to the block")?;
                points(0, read[0].channels)
            }
            Operation::Dense { outputs } | Operation::Linear { outputs } => {
                some_channels(0)?;
                Extent { channels: *outputs, ..read[0] }
            }
            Operation::Sum | Operation::Concatenate => {
                let widest = read.iter().find(|input| !input.whole_block).unwrap_or(&read[0]);
                let mut channels = 0;
                for (input, extent) in read.iter().enumerate() {
                    some_channels(input)?;
                    if !extent.whole_block {
                        level_is(input, widest.level)?;
                    }
                    if layer.operation == Operation::Sum {
                        expect(name, &layer.inputs[input], "channels", read[0].channels, extent.channels)?;
                    }
                    channels += extent.channels;
                }
                let sum = layer.operation == Operation::Sum;
                Extent { channels: if sum { read[0].channels } else { channels }, ..*widest }
            }
            Operation::Gate => {
                some_channels(0)?;
                read[0]
            }
            Operation::GlobalMaximum | Operation::GlobalMean => {
                some_channels(0)?;
                per_point(0)?;
                Extent { level: 0, whole_block: true, channels: read[0].channels }
            }
            Operation::InstanceFusion { .. } => {
                level_is(0, 0)?;
                level_is(1, 0)?;
                read[0]
            }
        })
    }

    /// Name of the architecture.
    pub fn name(&self) -> &str {
        &self.description.name
    }

    /// Points per block.
    pub fn points(&self) -> usize {
        self.description.points
    }

    /// Columns of a block's features, the three coordinates included.
    pub fn feature_columns(&self) -> usize {
        self.description.feature_columns
    }

    /// Number of semantic classes.
    pub fn classes(&self) -> usize {
        self.extents[self.logits].channels
    }

    /// Values per instance embedding.
    pub fn embedding_size(&self) -> usize {
        self.extents[self.embeddings].channels
    }

    /// The encoder's levels, finest first, without the block itself.
    pub fn levels(&self) -> &[LevelSpecification] {
        &self.description.levels
    }

    /// What the geometry room has to compute for a block of this network.
    pub fn plan_specification(&self) -> PlanSpecification {
        PlanSpecification { levels: self.description.levels.clone() }
    }

    /// Points of a level (0 = the block).
    pub fn points_of(&self, level: usize) -> usize {
        if level == 0 { self.description.points } else { self.description.levels[level - 1].points }
    }

    /// Rows of an extent.
    pub fn rows_of(&self, extent: Extent) -> usize {
        if extent.whole_block { 1 } else { self.points_of(extent.level) }
    }

    /// The layers in order.
    pub fn layers(&self) -> &[Layer] {
        &self.description.layers
    }

    /// Whom layer `index` reads.
    pub fn sources(&self, index: usize) -> &[Source] {
        &self.sources[index]
    }

    /// Extent of layer `index`'s output.
    pub fn extent(&self, index: usize) -> Extent {
        self.extents[index]
    }

    /// Extent of a source.
    pub fn extent_of(&self, source: Source) -> Extent {
        match source {
            Source::Features => Extent { level: 0, whole_block: false, channels: self.description.feature_columns - 3 },
            Source::Columns => Extent { level: 0, whole_block: false, channels: self.description.feature_columns },
            Source::Layer(index) => self.extents[index],
        }
    }

    /// Position of the layer that gives the semantic logits.
    pub fn logits(&self) -> usize {
        self.logits
    }

    /// Position of the layer that gives the instance embeddings.
    pub fn embeddings(&self) -> usize {
        self.embeddings
    }

    /// Position of the instance fusion, for architectures that have one.
    pub fn fusion(&self) -> Option<usize> {
        self.fusion
    }

    /// Whether layer `index` is the instance fusion or depends on it (and so belongs to the head).
    pub fn is_after_fusion(&self, index: usize) -> bool {
        self.after_fusion[index]
    }
}

fn expect(
    layer: &str,
    input: &str,
    what: &'static str,
    expected: usize,
    actual: usize,
) -> Result<(), ArchitectureError> {
    if expected == actual {
        return Ok(());
    }
    Err(ArchitectureError::Mismatch { layer: layer.to_owned(), input: input.to_owned(), what, expected, actual })
}
