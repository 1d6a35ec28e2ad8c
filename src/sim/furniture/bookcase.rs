//! Bookcases, shelves and cabinets.
//!
//! As S3DIS annotates them, books that stand on a shelf are part of the bookcase; loose things on its
//! shelves and on top are clutter.

use glam::{Affine3A, Quat, Vec3, vec3};

use crate::sim::{class::Class, material::Material, mesh::Mesh, random::Random};

#[derive(Clone, Copy, Debug, PartialEq)]
enum CaseStyle {
    /// Boards between two sides; doors may close the lower part.
    Shelves,
    /// Posts and open shelves, as in storage rooms.
    Rack,
    /// Doors from bottom to top: cupboards, lockers, built-in wardrobes.
    Cupboard,
    /// Drawers from bottom to top: filing cabinets.
    Drawers,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Bookcase {
    style: CaseStyle,
    /// Width, depth, height.
    pub size: Vec3,
    shelves: usize,
    fill: f32,
    /// Share of the height that doors close, from the floor up.
    doors: f32,
    open_back: bool,
    board: Material,
}

/// A compartment: left end, bottom, width, height.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compartment {
    pub x: f32,
    pub z: f32,
    pub width: f32,
    pub height: f32,
}

impl Bookcase {
    pub fn draw(random: &mut Random, limit: f32) -> Self {
        let style = match random.count(0, 9) {
            0..=5 => CaseStyle::Shelves,
            6 => CaseStyle::Rack,
            7..=8 => CaseStyle::Cupboard,
            _ => CaseStyle::Drawers,
        };
        Self::of(random, style, limit)
    }

    /// An open rack of posts and shelves.
    pub fn rack(random: &mut Random, limit: f32) -> Self {
        Self::of(random, CaseStyle::Rack, limit)
    }

    fn of(random: &mut Random, style: CaseStyle, limit: f32) -> Self {
        let low = random.chance(0.3);
        let height = if low { random.range(0.7, 1.4) } else { random.range(1.6, 2.4) };
        let (width, depth, height) = match style {
            CaseStyle::Shelves => (random.range(0.5, 1.8), random.range(0.22, 0.45), height),
            CaseStyle::Rack => (random.range(0.8, 2.0), random.range(0.3, 0.6), height),
            // Built-in ones nearly reach the ceiling.
            CaseStyle::Cupboard if random.chance(0.3) => (random.range(0.8, 2.8), random.range(0.4, 0.65), limit),
            CaseStyle::Cupboard => (random.range(0.4, 1.6), random.range(0.35, 0.6), height),
            CaseStyle::Drawers => (random.range(0.4, 1.0), random.range(0.42, 0.62), random.range(0.6, 1.4)),
        };
        let size = vec3(width, depth, height.min(limit - 0.03).min(3.2));
        let height = size.z;
        let metal = random.chance(0.25) || style == CaseStyle::Rack;
        let smooth = matches!(style, CaseStyle::Cupboard | CaseStyle::Drawers);
        Self {
            style,
            size,
            shelves: ((height / random.range(0.3, 0.42)) as usize).clamp(2, 7),
            fill: random.pick(&[0.1, 0.5, 0.75, 0.9, 0.9]),
            doors: random.pick(&[0.0, 0.0, 0.0, 0.4, 1.0]),
            open_back: random.chance(0.2),
            board: match (metal, smooth) {
                (true, _) => random.metal(),
                (_, true) => random.cupboard(),
                _ => random.board_material(),
            },
        }
    }

    /// Builds it and returns the instance with the compartments that stayed empty.
    pub fn build(&self, mesh: &mut Mesh, random: &mut Random, place: Affine3A) -> (u32, Vec<Compartment>) {
        let id = mesh.object(Class::Bookcase, place);
        match self.style {
            CaseStyle::Shelves => {}
            CaseStyle::Rack => return (id, self.rack_shelves(mesh)),
            CaseStyle::Cupboard | CaseStyle::Drawers => {
                self.fronts(mesh, random);
                return (id, Vec::new());
            }
        }
        let Vec3 { x: width, y: depth, z: height } = self.size;
        let (hx, hy) = (width / 2.0, depth / 2.0);
        let thick = random.range(0.015, 0.03);
        for x in [-hx + thick / 2.0, hx - thick / 2.0] {
            mesh.standing(x, 0.0, 0.0, vec3(thick, depth, height), self.board);
        }
        if !self.open_back {
            mesh.standing(0.0, -hy + 0.006, 0.02, vec3(width - thick, 0.01, height - 0.03), self.board);
        }
        let columns = if width > 1.0 { 2 } else { 1 };
        let step = (height - 0.05 - thick) / self.shelves as f32;
        for shelf in 0..=self.shelves {
            let z = 0.05 + step * shelf as f32;
            mesh.standing(0.0, 0.0, z, vec3(width - 2.0 * thick, depth - 0.005, thick), self.board);
        }
        if columns == 2 {
            mesh.standing(0.0, 0.0, 0.05, vec3(thick, depth - 0.01, height - 0.06), self.board);
        }
        let closed = (self.doors * self.shelves as f32).round() as usize;
        if closed > 0 {
            let top = 0.05 + step * closed as f32 + thick;
            let knob = random.metal();
            for side in [-1.0, 1.0] {
                let x = side * (hx / 2.0);
                mesh.standing(x, hy - 0.006, 0.06, vec3(hx - 0.01, 0.018, top - 0.07), self.board);
                mesh.cuboid(vec3(side * 0.04, hy + 0.012, top * 0.55), vec3(0.012, 0.02, 0.12), knob);
            }
        }
        let mut empty = Vec::new();
        for shelf in closed..self.shelves {
            for column in 0..columns {
                let span = (width - 2.0 * thick) / columns as f32;
                let compartment = Compartment {
                    x: -hx + thick + span * column as f32 + thick / 2.0,
                    z: 0.05 + step * shelf as f32 + thick,
                    width: span - thick,
                    height: step - thick,
                };
                if random.chance(self.fill) {
                    self.books(mesh, random, compartment);
                } else {
                    empty.push(compartment);
                }
            }
        }
        (id, empty)
    }

    /// Posts and boards; all compartments are open and empty.
    fn rack_shelves(&self, mesh: &mut Mesh) -> Vec<Compartment> {
        let Vec3 { x: width, y: depth, z: height } = self.size;
        let (hx, hy) = (width / 2.0 - 0.02, depth / 2.0 - 0.02);
        for (sx, sy) in [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)] {
            mesh.standing(sx * hx, sy * hy, 0.0, vec3(0.035, 0.035, height), self.board);
        }
        let levels = self.shelves.clamp(2, 5);
        let step = (height - 0.15) / (levels as f32 - 0.2);
        let level = |shelf: usize| 0.1 + step * shelf as f32;
        for shelf in 0..levels {
            mesh.standing(0.0, 0.0, level(shelf), vec3(width, depth, 0.03), self.board);
        }
        let columns = ((width / 0.5) as usize).max(1);
        let each = (width - 0.1) / columns as f32;
        let places = (0..levels).flat_map(|shelf| (0..columns).map(move |column| (shelf, column)));
        places
            .map(|(shelf, column)| Compartment {
                x: -width / 2.0 + 0.05 + each * column as f32,
                z: level(shelf) + 0.03,
                width: each,
                height: (height - level(shelf) - 0.03).min(step - 0.03),
            })
            .collect()
    }

    /// A body whose front is doors or drawers with handles.
    fn fronts(&self, mesh: &mut Mesh, random: &mut Random) {
        let Vec3 { x: width, y: depth, z: height } = self.size;
        let plinth = random.range(0.02, 0.1);
        mesh.standing(0.0, -0.015, 0.0, vec3(width - 0.02, depth - 0.05, plinth), self.board);
        mesh.standing(0.0, -0.01, plinth, vec3(width, depth - 0.02, height - plinth), self.board);
        let (columns, rows) = match self.style {
            CaseStyle::Drawers => (1, random.count(2, 5)),
            _ if height > 1.9 && random.chance(0.4) => (((width / 0.45).round() as usize).max(1), 2),
            _ => (((width / random.range(0.3, 0.6)).round() as usize).max(1), 1),
        };
        let front = if random.chance(0.25) { random.cupboard() } else { self.board };
        let (handle, bar) = (random.metal(), random.chance(0.5));
        let each = vec3(width / columns as f32, 0.018, (height - plinth) / rows as f32);
        for column in 0..columns {
            for row in 0..rows {
                let x = -width / 2.0 + each.x * (column as f32 + 0.5);
                let z = plinth + each.z * (row as f32 + 0.5);
                let y = depth / 2.0 - 0.011;
                mesh.cuboid(vec3(x, y, z), each - vec3(0.008, 0.0, 0.008), front);
                if self.style == CaseStyle::Drawers {
                    mesh.cuboid(vec3(x, y + 0.02, z + each.z * 0.2), vec3(0.12, 0.02, 0.015), handle);
                } else {
                    let side = if column % 2 == 0 { 1.0 } else { -1.0 };
                    let size = if bar { vec3(0.014, 0.025, 0.16) } else { vec3(0.025, 0.025, 0.025) };
                    let z = if rows == 1 { z.min(1.1) } else { z };
                    mesh.cuboid(vec3(x + side * (each.x / 2.0 - 0.045), y + 0.02, z), size, handle);
                }
            }
        }
    }

    /// A row of books; the last may lean. Folders are all alike.
    fn books(&self, mesh: &mut Mesh, random: &mut Random, room: Compartment) {
        let mut x = room.x + random.range(0.0, 0.04);
        let end = room.x + room.width * random.range(0.5, 1.0);
        let run = random.pick(&[0.02, 0.03, 0.045]);
        let folders = random.chance(0.2).then(|| (random.book_cover(), random.range(0.28, 0.32)));
        while x < end {
            let thick = if folders.is_some() { 0.075 } else { random.range(0.6, 1.6) * run };
            if x + thick > room.x + room.width {
                break;
            }
            let tall = folders.map_or_else(|| random.range(0.18, 0.33), |(_, tall)| tall).min(room.height - 0.015);
            let deep = random.range(0.14, 0.22).min(self.size.y - 0.04);
            let cover = folders.map_or_else(|| random.book_cover(), |(cover, _)| cover);
            // Spines stand near the front edge.
            let y = self.size.y / 2.0 - 0.03 - deep / 2.0 - random.range(0.0, 0.02);
            let leans = random.chance(0.04) && x + thick + 0.07 < room.x + room.width;
            if leans {
                let turn = Quat::from_rotation_y(-0.22);
                let centre = vec3(x + thick / 2.0 + 0.04, y, room.z + tall * 0.49 + thick * 0.12);
                mesh.turned_cuboid(centre, vec3(thick, deep, tall * 0.94), turn, cover);
                x += 0.07;
            } else {
                mesh.standing(x + thick / 2.0, y, room.z, vec3(thick - 0.001, deep, tall), cover);
            }
            x += thick + if random.chance(0.06) { random.range(0.02, 0.1) } else { 0.0 };
        }
    }
}
