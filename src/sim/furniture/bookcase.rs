//! Bookcases, shelves and cabinets.
//!
//! As S3DIS annotates them, books that stand on a shelf are part of the bookcase; loose things on its
//! shelves and on top are clutter.

use glam::{Affine3A, Quat, Vec3, vec3};

use crate::sim::{class::Class, material::Material, mesh::Mesh, random::Random};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Bookcase {
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
        let height = if random.chance(0.3) { random.range(0.75, 1.3) } else { random.range(1.6, 2.3) };
        let height = height.min(limit - 0.05);
        let size = vec3(random.range(0.6, 1.6), random.range(0.25, 0.45), height);
        let metal = random.chance(0.25);
        Self {
            size,
            shelves: ((height / random.range(0.3, 0.42)) as usize).clamp(2, 7),
            fill: random.pick(&[0.1, 0.5, 0.75, 0.9, 0.9]),
            doors: random.pick(&[0.0, 0.0, 0.0, 0.4, 1.0]),
            open_back: random.chance(0.2),
            board: if metal { random.metal() } else { random.board_material() },
        }
    }

    /// Builds it and returns the instance with the compartments that stayed empty.
    pub fn build(&self, mesh: &mut Mesh, random: &mut Random, place: Affine3A) -> (u32, Vec<Compartment>) {
        let id = mesh.object(Class::Bookcase, place);
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

    /// A row of books; the last may lean.
    fn books(&self, mesh: &mut Mesh, random: &mut Random, room: Compartment) {
        let mut x = room.x + random.range(0.0, 0.04);
        let end = room.x + room.width * random.range(0.5, 1.0);
        let run = random.pick(&[0.02, 0.03, 0.045]);
        while x < end {
            let thick = random.range(0.6, 1.6) * run;
            if x + thick > room.x + room.width {
                break;
            }
            let tall = (random.range(0.18, 0.33)).min(room.height - 0.015);
            let deep = random.range(0.14, 0.22).min(self.size.y - 0.04);
            let cover = random.book_cover();
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
