//! Set abstraction: gather, subtract, perceptron, maximum, a tile of rows at a time.

use super::super::kernels::Gathered;
use super::super::memory::{Memory, tile_rows, widest};
use super::super::program::{Affine, GroupStage, Multiplier};
use super::Run;
use super::tiles::Tile;
use crate::geometry::Neighbours;

impl Run<'_> {
    /// Only a group's distinct points are worked on: a maximum does not change by what comes twice. Groups may lie
    /// across two tiles, so that every tile but the last is full.
    pub(super) fn groups(&self, group: &GroupStage, memory: &mut Memory) {
        let neighbours = &self.block.plan.levels[group.level].neighbours;
        let stride = self.program.values[group.points].stride;
        let rows = tile_rows(widest(stride, &group.perceptron));
        self.hold(group.to, memory);
        let Memory { buffers, tiles: [one, other], steps, pairs, held, .. } = memory;
        let (source, centre) = (self.matrix(group.points, buffers), self.matrix(group.centres, buffers));
        let (_, to) = held.last_mut().expect("just held");
        let matrix = self.program.values[group.to];
        let to = &mut to.as_mut()[..matrix.rows * matrix.stride];
        to.fill(f32::NEG_INFINITY);
        let mut tile = |pairs: &[[u32; 2]]| {
            let mut tile = Tile { floats: [&mut *one, &mut *other], steps: &mut *steps, stride, in_steps: false };
            self.gather(&Gathered { source, centre, stride, pairs }, group.perceptron.first(), &mut tile);
            tile.perceptron(self, &group.perceptron, pairs.len());
            self.kernels.maximum(tile.rows(pairs.len()), tile.stride, pairs, to);
        };
        pairs.clear();
        for (centre, index) in neighbours.index.chunks_exact(neighbours.slots).enumerate() {
            for &point in &index[..distinct(neighbours, centre)] {
                pairs.push([centre as u32, point]);
                if pairs.len() == rows {
                    tile(pairs);
                    pairs.clear();
                }
            }
        }
        tile(pairs);
        Self::release(memory);
    }

    /// Gathers a tile: in steps, where the product that comes next reads steps.
    pub(super) fn gather(&self, gathered: &Gathered<'_>, next: Option<&Affine>, tile: &mut Tile<'_>) {
        match next.map(|next| &next.weight) {
            Some(Multiplier::Integer(weight)) => {
                self.integer_kernels.gather(gathered, weight.input_factor(), tile.steps.current.as_mut());
                tile.in_steps = true;
            }
            _ => self.kernels.gather(gathered, tile.floats[0].as_mut()),
        }
    }
}

/// How many of a group's slots are distinct points; the others repeat the first.
fn distinct(neighbours: &Neighbours, centre: usize) -> usize {
    neighbours.count.get(centre).map_or(neighbours.slots, |&count| (count as usize).clamp(1, neighbours.slots))
}
