//! Putting furniture where people put it: along walls, chairs at tables, nothing inside anything else.

use glam::{Affine3A, vec3};

use super::{
    class::Class,
    footprint::Footprint,
    furniture::{Bookcase, Chair, ChairStyle, Clutter, Person, Sofa, Surrounding, Table, TableStyle},
    library::{MeshLibrary, Role},
    material::Material,
    mesh::{Mesh, standing_at},
    random::Random,
    scene::Piece,
    shell::{Shape, Wall},
};

/// Position on the floor and turn about z.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub x: f32,
    pub y: f32,
    pub yaw: f32,
}

impl Place {
    pub fn frame(self, z: f32) -> Affine3A {
        standing_at(self.x, self.y, z, self.yaw)
    }

    /// The place at (x, y) of this place's own frame, turned by `yaw` relative to it.
    pub fn beside(self, x: f32, y: f32, yaw: f32) -> Self {
        let p = self.frame(0.0).transform_point3(vec3(x, y, 0.0));
        Self { x: p.x, y: p.y, yaw: self.yaw + yaw }
    }

    pub fn footprint(self, size: [f32; 2]) -> Footprint {
        Footprint::new([self.x, self.y], size, self.yaw)
    }
}

/// A room being furnished.
pub(crate) struct Layout {
    pub random: Random,
    pub mesh: Mesh,
    pub shape: Shape,
    pub walls: Vec<Wall>,
    /// What nothing may be put on: pieces, door leaves, the space before doors, the robot's space.
    pub blocked: Vec<Footprint>,
    pub pieces: Vec<Piece>,
    /// Lowest thing that hangs from the ceiling.
    pub headroom: f32,
    /// Style and cloth shared by the room's chairs.
    pub house_chair: Option<Chair>,
    /// Whether families that are kept from training may be used.
    pub held_out: bool,
    /// Share of the seats that are taken.
    pub occupied: f32,
}

impl Layout {
    /// Whether a rectangle is inside the room and free; `except` is an index of `blocked` that may overlap.
    pub fn is_free(&self, footprint: &Footprint, except: Option<usize>) -> bool {
        self.is_inside(footprint)
            && !self.blocked.iter().enumerate().any(|(i, b)| Some(i) != except && b.overlaps(footprint))
    }

    /// Whether a rectangle is within the walls.
    fn is_inside(&self, footprint: &Footprint) -> bool {
        let within = |c: &[f32; 2]| (0..2).all(|k| c[k] > 0.005 && c[k] < self.shape.size[k] - 0.005);
        footprint.corners().iter().all(within)
            && !self.shape.notch_footprint().is_some_and(|notch| notch.overlaps(footprint))
    }

    /// Records a piece; returns its index in `blocked`.
    pub fn record(&mut self, instance: u32, class: Class, footprint: Footprint) -> usize {
        self.pieces.push(Piece { instance, class, footprint });
        self.blocked.push(footprint);
        self.blocked.len() - 1
    }

    /// Keeps a square free for the robot, as large as possible.
    pub fn reserve_robot_space(&mut self) {
        let [width, depth, _] = self.shape.size;
        for side in [1.4, 1.2, 1.0, 0.8, 0.7] {
            for _ in 0..20 {
                let x = width * self.random.range(0.15, 0.85);
                let y = depth * self.random.range(0.15, 0.85);
                let square = Footprint::new([x, y], [side, side], 0.0);
                if self.is_free(&square, None) {
                    self.blocked.push(square);
                    return;
                }
            }
        }
    }

    /// A free place with its back to a wall, `front` metres of free floor before it.
    pub fn against_wall(&mut self, size: [f32; 2], height: f32, front: f32) -> Option<Place> {
        for _ in 0..48 {
            let index = self.random.count(0, self.walls.len() - 1);
            let gap = self.random.range(0.015, 0.06);
            let wall = &self.walls[index];
            if wall.length < size[0] + 0.1 {
                continue;
            }
            let along = match self.random.count(0, 3) {
                0 => size[0] / 2.0 + 0.03,
                1 => wall.length - size[0] / 2.0 - 0.03,
                _ => self.random.range(size[0] / 2.0 + 0.03, wall.length - size[0] / 2.0 - 0.03),
            };
            let hides = wall.patches.iter().any(|patch| {
                patch.low < height
                    && patch.from < along + size[0] / 2.0 + 0.04
                    && patch.to > along - size[0] / 2.0 - 0.04
            });
            if hides {
                continue;
            }
            let [x, y] = wall.point(along, gap + size[1] / 2.0);
            let place = Place { x, y, yaw: wall.yaw };
            let zone = place.beside(0.0, front / 2.0, 0.0).footprint([size[0], size[1] + front]);
            if self.is_free(&zone, None) {
                return Some(place);
            }
        }
        None
    }

    /// A free place anywhere, square to the walls or not, with `margin` around it.
    pub fn anywhere(&mut self, size: [f32; 2], margin: f32, any_turn: bool) -> Option<Place> {
        for _ in 0..24 {
            let yaw = if any_turn {
                self.random.range(0.0, std::f32::consts::TAU)
            } else {
                std::f32::consts::FRAC_PI_2 * self.random.count(0, 3) as f32
            };
            let place = Place {
                x: self.random.range(0.0, self.shape.size[0]),
                y: self.random.range(0.0, self.shape.size[1]),
                yaw,
            };
            if self.is_free(&place.footprint(size).grown(margin), None) {
                return Some(place);
            }
        }
        None
    }

    pub fn put_table(&mut self, table: &Table, place: Place) -> usize {
        let id = table.build(&mut self.mesh, &mut self.random, place.frame(0.0));
        self.record(id, Class::Table, place.footprint([table.size.x, table.size.y]))
    }

    /// A model of the library in this role, with the given probability; `None` without a library.
    fn a_model(&mut self, role: Role, probability: f32) -> Option<(u32, std::sync::Arc<MeshLibrary>)> {
        let library = self.mesh.library.clone()?;
        if !self.random.chance(probability) {
            return None;
        }
        library.draw(&mut self.random, role, self.held_out).map(|index| (index, library))
    }

    /// A table from the library instead of this one, now and then, where it is about as large.
    pub fn or_model_table(&mut self, table: Table, role: Role) -> Table {
        let Some((index, library)) = self.a_model(role, 0.45) else { return table };
        let model = library.model(index);
        let alike = model.size.x < table.size.x * 1.6 && model.size.x > table.size.x * 0.5;
        if alike { Table::model(&mut self.random, index, model) } else { table }
    }

    fn a_thing(&mut self, kind: Surrounding) -> Clutter {
        let role = if kind == Surrounding::Floor { Role::OnFloor } else { Role::OnTable };
        match self.a_model(role, 0.4) {
            Some((index, library)) => Clutter::model(index, library.model(index)),
            None => Clutter::draw(&mut self.random, kind),
        }
    }

    /// A chair in the room's style, or another one now and then.
    pub fn a_chair(&mut self, style: ChairStyle) -> Chair {
        match self.house_chair {
            Some(chair) if chair.style == style && self.random.chance(0.9) => chair,
            house => {
                let chair = match self.a_model(Role::Chair, if style == ChairStyle::Stool { 0.0 } else { 0.5 }) {
                    Some((index, library)) => Chair::model(&mut self.random, style, index, library.model(index)),
                    None => Chair::draw(&mut self.random, style),
                };
                if house.is_none_or(|house| house.style != style) {
                    self.house_chair = Some(chair);
                }
                chair
            }
        }
    }

    /// Puts a chair, its seat centred there, if the floor is free; `at` is the table that its front may reach under.
    pub fn put_chair(&mut self, chair: &Chair, place: Place, at: Option<usize>) -> bool {
        let footprint = place.beside(0.0, chair.centre(), 0.0).footprint(chair.size());
        if !self.is_free(&footprint, at) {
            return false;
        }
        let id = chair.build(&mut self.mesh, &mut self.random, place.frame(0.0));
        self.record(id, Class::Chair, footprint);
        // Legs and arms reach before the seat, under a table but not into a wall.
        let reach = place.beside(0.0, 0.25, 0.0).footprint([0.75, 1.1]);
        if self.random.chance(self.occupied) && self.is_inside(&reach) {
            let person = Person::sitting(&mut self.random, chair.seat_height);
            person.build(&mut self.mesh, &mut self.random, place.beside(0.0, -0.06, 0.0).frame(0.0));
        }
        true
    }

    /// Someone on their feet at a place that is free.
    pub fn put_person(&mut self, person: &Person, place: Place) {
        let id = person.build(&mut self.mesh, &mut self.random, place.frame(0.0));
        self.record(id, Class::Clutter, place.footprint(person.size()));
    }

    /// Somebody of the library on their feet.
    pub fn put_model_person(&mut self) -> bool {
        let Some((index, library)) = self.a_model(Role::Person, 0.5) else { return false };
        let size = library.model(index).size;
        if size.z < self.headroom - 0.05
            && let Some(place) = self.anywhere([size.x, size.y], 0.02, true)
        {
            let id = self.mesh.object(Class::Clutter, place.frame(0.0));
            self.mesh.model(&mut self.random, index);
            self.record(id, Class::Clutter, place.footprint([size.x, size.y]));
        }
        true
    }

    /// An upright screen between desks, which may stand between what is there.
    pub fn put_screen(&mut self, place: Place, size: [f32; 2], height: f32, cloth: Material) {
        let id = self.mesh.object(Class::Clutter, place.frame(0.0));
        self.mesh.standing(0.0, 0.0, 0.02, vec3(size[0], size[1], height), cloth);
        self.record(id, Class::Clutter, place.footprint(size));
    }

    /// A whiteboard on castors.
    pub fn put_board_stand(&mut self) {
        let random = &mut self.random;
        let (width, low, high) = (random.range(0.7, 1.9), random.range(0.6, 0.9), random.range(1.6, 1.95));
        let size = [width + 0.08, 0.55];
        if high > self.headroom - 0.05 {
            return;
        }
        let place = match self.against_wall(size, high, 0.3) {
            Some(place) => Some(place),
            None => self.anywhere(size, 0.1, true),
        };
        let Some(place) = place else { return };
        let (face, metal) = (self.random.board_face(), self.random.metal());
        let id = self.mesh.object(Class::Board, place.frame(0.0));
        self.mesh.cuboid(vec3(0.0, 0.0, (low + high) / 2.0), vec3(width, 0.02, high - low), face);
        self.mesh.cuboid(vec3(0.0, 0.03, low), vec3(width * 0.9, 0.06, 0.015), metal);
        for x in [-width / 2.0 - 0.015, width / 2.0 + 0.015] {
            self.mesh.standing(x, 0.0, 0.06, vec3(0.03, 0.035, high - 0.06), metal);
            self.mesh.standing(x, 0.0, 0.04, vec3(0.04, 0.5, 0.035), metal);
            for y in [-0.22, 0.22] {
                self.mesh.ellipsoid(vec3(x, y, 0.025), vec3(0.02, 0.025, 0.025), metal);
            }
        }
        self.record(id, Class::Board, place.footprint(size));
    }

    /// A chair that faces the +y side of a table from `x` along it.
    pub fn seat_at(&mut self, table: &Table, place: Place, index: usize, x: f32, style: ChairStyle) -> bool {
        let chair = self.a_chair(style);
        let round = table.style == TableStyle::Round || table.is_oval();
        let deepest: f32 = if round || !chair.reaches_under(table.size.z) { 0.0 } else { 0.16 };
        let twist = if style == ChairStyle::Swivel { 0.5 } else { 0.15 };
        (0..3).any(|_| {
            let pull =
                if self.random.chance(0.7) { self.random.range(-deepest, 0.12) } else { self.random.range(0.0, 0.35) };
            // Where the seat must not reach under the top, neither must the base.
            let reach = chair.front() + pull + if deepest == 0.0 { chair.toe() } else { 0.0 };
            let turn = std::f32::consts::PI + self.random.range(-twist, twist);
            let seat = place.beside(x, table.size.y / 2.0 + reach, turn);
            self.put_chair(&chair, seat, Some(index))
        })
    }

    /// Chairs along the sides of a table that `sides` names (0 = +y, 1 = −x, 2 = −y, 3 = +x).
    pub fn seats_around(&mut self, table: &Table, place: Place, index: usize, sides: &[usize], style: ChairStyle) {
        for &side in sides {
            let turned = side % 2 == 1;
            let mut seen = *table;
            if turned {
                std::mem::swap(&mut seen.size.x, &mut seen.size.y);
            }
            let quarter = std::f32::consts::FRAC_PI_2 * side as f32;
            let facing = Place { yaw: place.yaw + quarter, ..place };
            let length = seen.size.x - 0.1;
            let spacing = self.random.range(0.62, 0.8);
            let count = if table.style == TableStyle::Round { 1 } else { (length / spacing).floor() as usize };
            for seat in 0..count {
                let x = length * ((seat as f32 + 0.5) / count as f32 - 0.5) + self.random.range(-0.04, 0.04);
                if self.random.chance(0.88) {
                    self.seat_at(&seen, facing, index, x, style);
                }
            }
        }
    }

    /// Things on a level surface of half size `half` at height `z`.
    pub fn load_surface(
        &mut self,
        place: Place,
        half: [f32; 2],
        z: f32,
        count: usize,
        kind: Surrounding,
        keep: &[Footprint],
    ) {
        let mut taken = keep.to_vec();
        for _ in 0..count {
            let thing = self.a_thing(kind);
            self.put_on(place, half, z, &thing, &mut taken);
        }
    }

    fn put_on(&mut self, place: Place, half: [f32; 2], z: f32, thing: &Clutter, taken: &mut Vec<Footprint>) {
        for _ in 0..6 {
            let [hx, hy] = [half[0] - thing.size.x / 2.0 - 0.02, half[1] - thing.size.y / 2.0 - 0.02];
            if hx <= 0.0 || hy <= 0.0 {
                return;
            }
            let (x, y) = (self.random.range(-hx, hx), self.random.range(-hy, hy));
            let turn = self.random.range(-0.35, 0.35);
            let spot = Footprint::new([x, y], [thing.size.x, thing.size.y], turn);
            if spot.corners().iter().all(|c| c[0].abs() < half[0] && c[1].abs() < half[1])
                && !taken.iter().any(|other| other.overlaps(&spot))
            {
                taken.push(spot);
                thing.build(&mut self.mesh, &mut self.random, place.beside(x, y, turn).frame(z));
                return;
            }
        }
    }

    /// Monitors, keyboards and small things on a desk; its user sits at +y, at `x`.
    pub fn load_desk(&mut self, table: &Table, place: Place, x: f32) {
        let half = [table.size.x / 2.0, table.size.y / 2.0];
        let mut taken = Vec::new();
        let monitors = self.random.pick(&[0, 1, 1, 1, 2]);
        for monitor in 0..monitors {
            let screen = Clutter::monitor(&mut self.random);
            let offset = if monitors == 2 { (monitor as f32 - 0.5) * (screen.size.x + 0.04) } else { 0.0 };
            let x = held_on(half[0], screen.size.x, x + offset);
            let y = -half[1] + screen.size.y / 2.0 + self.random.range(0.02, 0.1);
            let turn = if monitors == 2 { -0.15 * offset.signum() } else { self.random.range(-0.2, 0.2) };
            let spot = Footprint::new([x, y], [screen.size.x, screen.size.y], turn);
            if taken.iter().any(|other: &Footprint| other.overlaps(&spot)) {
                continue;
            }
            taken.push(spot);
            screen.build(&mut self.mesh, &mut self.random, place.beside(x, y, turn).frame(table.size.z));
        }
        if monitors > 0 && self.random.chance(0.8) {
            let keyboard = Clutter::keyboard(&mut self.random);
            let x = held_on(half[0], keyboard.size.x, x);
            let y = half[1] - keyboard.size.y / 2.0 - self.random.range(0.05, 0.15);
            let spot = Footprint::new([x, y], [keyboard.size.x, keyboard.size.y], 0.0);
            if !taken.iter().any(|other| other.overlaps(&spot)) {
                taken.push(spot);
                keyboard.build(&mut self.mesh, &mut self.random, place.beside(x, y, 0.0).frame(table.size.z));
            }
        }
        let count = self.random.count(1, 8);
        self.load_surface(place, half, table.size.z, count, Surrounding::Desk, &taken);
    }

    /// A desk against a wall with a chair and what stands on it.
    pub fn put_work_place(&mut self) -> bool {
        let table = Table::desk(&mut self.random, self.held_out);
        let table = self.or_model_table(table, Role::Table);
        let Some(place) = self.against_wall([table.size.x, table.size.y], table.size.z, 0.75) else { return false };
        self.furnish_desk(&table, place);
        true
    }

    pub fn furnish_desk(&mut self, table: &Table, place: Place) {
        let index = self.put_table(table, place);
        let (mut from, mut to) = table.knee_space();
        if !table.is_model() && table.size.x > 1.35 && self.random.chance(0.35) {
            let arm = table.draw_return(&mut self.random);
            let (x, y) = (arm.side * (table.size.x - arm.width) / 2.0, (table.size.y + arm.reach) / 2.0);
            let footprint = place.beside(x, y, 0.0).footprint([arm.width, arm.reach]);
            if self.is_free(&footprint, Some(index)) {
                table.build_return(&mut self.mesh, arm);
                let id = self.pieces[self.pieces.len() - 1].instance;
                self.record(id, Class::Table, footprint);
                if arm.side < 0.0 { from += arm.width } else { to -= arm.width }
            }
        }
        let x = ((from + to) / 2.0 + self.random.range(-0.1, 0.1)).clamp(from + 0.3, (to - 0.3).max(from + 0.3));
        if self.random.chance(0.92) {
            let style = if self.random.chance(0.8) { ChairStyle::Swivel } else { ChairStyle::FourLegs };
            self.seat_at(table, place, index, x, style);
        }
        self.load_desk(table, place, x);
    }

    pub fn put_bookcase(&mut self) -> bool {
        let limit = self.headroom;
        if let Some((index, library)) = self.a_model(Role::Bookcase, 0.35) {
            let size = library.model(index).size;
            if size.z < limit - 0.03 {
                let Some(place) = self.against_wall([size.x, size.y], size.z, 0.35) else { return false };
                let id = self.mesh.object(Class::Bookcase, place.frame(0.0));
                self.mesh.model(&mut self.random, index);
                self.record(id, Class::Bookcase, place.footprint([size.x, size.y]));
                return true;
            }
        }
        let case = Bookcase::draw(&mut self.random, limit);
        self.put_this_bookcase(&case)
    }

    pub fn put_this_bookcase(&mut self, case: &Bookcase) -> bool {
        let Some(place) = self.against_wall([case.size.x, case.size.y], case.size.z, 0.35) else { return false };
        self.put_bookcase_at(case, place);
        true
    }

    pub fn put_bookcase_at(&mut self, case: &Bookcase, place: Place) {
        let (id, empty) = case.build(&mut self.mesh, &mut self.random, place.frame(0.0));
        self.record(id, Class::Bookcase, place.footprint([case.size.x, case.size.y]));
        for room in empty {
            let thing = Clutter::draw(&mut self.random, Surrounding::Shelf);
            let fits =
                thing.size.z < room.height - 0.01 && thing.size.x + 0.02 < room.width && thing.size.y < case.size.y;
            if fits && self.random.chance(0.6) {
                let x = room.x + room.width * 0.5 + self.random.range(-0.4, 0.4) * (room.width - thing.size.x - 0.02);
                thing.build(&mut self.mesh, &mut self.random, place.beside(x, 0.01, 0.0).frame(room.z));
            }
        }
        if case.size.z + 0.45 < self.headroom && self.random.chance(0.5) {
            let count = self.random.count(1, 3);
            let half = [case.size.x / 2.0, case.size.y / 2.0];
            self.load_surface(place, half, case.size.z, count, Surrounding::Shelf, &[]);
        }
    }

    pub fn put_sofa(&mut self, seats: usize) -> Option<(Sofa, Place)> {
        let sofa = Sofa::draw(&mut self.random, seats, self.held_out);
        let sofa = match self.a_model(Role::Sofa, 0.5) {
            Some((index, library)) => Sofa::model(&mut self.random, index, library.model(index)),
            None => sofa,
        };
        let size = [sofa.size.x, sofa.size.y];
        let place = match self.against_wall(size, sofa.size.z, 0.5) {
            Some(place) => place,
            None => self.anywhere(size, 0.2, false)?,
        };
        let id = sofa.build(&mut self.mesh, &mut self.random, place.frame(0.0));
        self.record(id, Class::Sofa, place.footprint(size));
        Some((sofa, place))
    }

    /// A low table before a sofa.
    pub fn put_low_table(&mut self, sofa: &Sofa, place: Place) {
        let table = Table::low(&mut self.random);
        let table = self.or_model_table(table, Role::LowTable);
        let spot = place.beside(0.0, sofa.size.y / 2.0 + self.random.range(0.3, 0.45) + table.size.y / 2.0, 0.0);
        if self.is_free(&spot.footprint([table.size.x, table.size.y]), None) {
            self.put_table(&table, spot);
            let count = self.random.count(0, 4);
            self.load_surface(spot, table.usable(), table.size.z, count, Surrounding::Table, &[]);
        }
    }

    /// Loose things on the floor, more often along walls.
    pub fn put_floor_clutter(&mut self, count: usize) {
        for _ in 0..count {
            let thing = self.a_thing(Surrounding::Floor);
            self.put_on_floor(&thing);
        }
    }

    pub fn put_on_floor(&mut self, thing: &Clutter) {
        let size = [thing.size.x + 0.02, thing.size.y + 0.02];
        if thing.size.z > self.headroom - 0.05 {
            return;
        }
        let place = if self.random.chance(0.87) {
            self.against_wall(size, thing.size.z, 0.0)
        } else {
            self.anywhere(size, 0.05, true)
        };
        if let Some(place) = place {
            let id = thing.build(&mut self.mesh, &mut self.random, place.frame(0.0));
            self.record(id, Class::Clutter, place.footprint(size));
        }
    }
}

/// Where a thing of this width lies on a top that reaches `half` to both sides, as near to `x` as it can: in the
/// middle if it is wider than the top.
fn held_on(half: f32, width: f32, x: f32) -> f32 {
    let reach = (half - width / 2.0).max(0.0);
    x.clamp(-reach, reach)
}
