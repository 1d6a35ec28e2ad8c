//! One 4096-point block through every network, on one thread: native engine and tract, and for ASIS the embedding search
//! alone and the plain forward pass. `cargo bench --bench network -- jsnet` runs those of one name.
//!
//! Uses the golden weights of the two published networks and the real Kinect block where `$INSTANTON_SHARED/golden` is there,
//! otherwise untrained weights on a synthetic room corner; what the network computes does not change
//! its speed, but the spread of the embeddings does change the search.

use std::hint::black_box;
use std::path::{Path, PathBuf};

use criterion::{Criterion, criterion_group, criterion_main};
use instanton::engine::{BlockInput, Engine, InstanceFusion, NativeEngine, PlainEngine, Prediction, TractEngine};
use instanton::geometry::{GeometryPlan, PlanWorkspace};
use instanton::instruction_set::InstructionSet;
use instanton::network::asis::Asis;
use instanton::network::onnx::export;
use instanton::network::zoo::{NAMES, Sizes, by_name};
use instanton::network::{Architecture, Parameters, Weights};

fn golden(file: &str) -> Option<PathBuf> {
    let root = std::env::var_os("INSTANTON_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    Some(root.join("golden").join(file)).filter(|path| path.is_file())
}

fn weights(architecture: &Architecture) -> Weights {
    let path = match architecture.name() {
        "asis-pointnet2" => golden("net_asis_weights_f16.npz"),
        "jsnet" => golden("net_jsnet_weights_f16.npz"),
        _ => None,
    };
    match path {
        Some(path) => Weights::read_npz(&path, architecture).expect("golden weights"),
        None => Weights::untrained(architecture, 0),
    }
}

fn features() -> Vec<f32> {
    if let Some(path) = golden("net_asis_real_office1.npz") {
        let mut archive = npyz::npz::NpzArchive::open(path).expect("golden block");
        return archive.by_name("block9").expect("readable").expect("block9").into_vec().expect("numbers");
    }
    // Three faces of a 1 m × 1 m × 3 m corner.
    let row = |point: usize| {
        let (u, v) = ((point / 3 % 37) as f32 / 37.0, (point / 111) as f32 / 37.0);
        let [x, y, z] = [[u, v, 0.0], [0.0, u, 3.0 * v], [u, 0.0, 3.0 * v]][point % 3];
        [x - 0.5, y - 0.5, z, u, v, 0.5, x, y, z / 3.0]
    };
    (0..4096).flat_map(row).collect()
}

fn plan_of(architecture: &Architecture, features: &[f32]) -> GeometryPlan {
    let position: Vec<[f32; 3]> = features.chunks_exact(9).map(|row| [row[0], row[1], row[2]]).collect();
    let mut plan = GeometryPlan::default();
    plan.compute(&position, &architecture.plan_specification(), &mut PlanWorkspace::default()).expect("a block");
    plan
}

/// Makes an engine for a network.
type Maker = fn(&Architecture, &Parameters) -> Box<dyn Engine>;

/// Every network of the zoo on the native engine and on tract.
fn zoo(criterion: &mut Criterion) {
    let features = features();
    let mut group = criterion.benchmark_group("network");
    group.sample_size(20);
    for name in NAMES {
        let network = || {
            let architecture = by_name(name, &Sizes::published(name).expect("a known name")).expect("a network");
            let parameters = weights(&architecture).fold(&architecture).expect("foldable weights");
            let plan = plan_of(&architecture, &features);
            (architecture, parameters, plan)
        };
        let make: [(&str, Maker); 2] = [
            ("native", |architecture, parameters| {
                let engine = NativeEngine::with_parameters(architecture, parameters, InstructionSet::best());
                Box::new(engine.expect("its own parameters"))
            }),
            ("tract", |architecture, parameters| {
                let parts = export(architecture, parameters).expect("its own parameters");
                Box::new(TractEngine::from_parts(architecture, &parts).expect("tract loads the parts"))
            }),
        ];
        for (engine, make) in make {
            // Made where it is first measured: a name that the filter leaves out costs nothing.
            let mut made: Option<(Box<dyn Engine>, GeometryPlan)> = None;
            let mut prediction = Prediction::default();
            group.bench_function(format!("{name}/{engine}"), |bencher| {
                let (engine, plan) = made.get_or_insert_with(|| {
                    let (architecture, parameters, plan) = network();
                    (make(&architecture, &parameters), plan)
                });
                let block = BlockInput { features: &features, plan };
                bencher.iter(|| engine.run(black_box(block), &mut prediction).expect("a block"));
            });
        }
    }
    group.finish();
}

/// What lies beside the networks: the embedding search alone, and the plain forward pass.
fn beside(criterion: &mut Criterion) {
    let architecture = Asis::default().architecture().expect("the published network");
    let features = features();
    let plan = plan_of(&architecture, &features);
    let block = BlockInput { features: &features, plan: &plan };
    let plain = || {
        let parameters = weights(&architecture).fold(&architecture).expect("foldable weights");
        PlainEngine::new(architecture.clone(), parameters)
    };
    let mut group = criterion.benchmark_group("network");
    group.sample_size(10);
    group.bench_function("asis-pointnet2/plain", |bencher| {
        let (mut plain, mut prediction) = (plain(), Prediction::default());
        bencher.iter(|| plain.run(black_box(block), &mut prediction).expect("a block"));
    });
    group.sample_size(20);
    let mut embeddings: Option<Vec<f32>> = None;
    let mut fusion = InstanceFusion::default();
    group.bench_function("asis-pointnet2/embedding-knn", |bencher| {
        let embeddings = embeddings.get_or_insert_with(|| {
            let mut prediction = Prediction::default();
            plain().run(block, &mut prediction).expect("a block");
            prediction.embeddings
        });
        bencher.iter(|| {
            let found = fusion.search(black_box(embeddings), 5, 30, 0.5).expect("embeddings");
            black_box(found.index[0])
        });
    });
    group.finish();
}

criterion_group!(benches, zoo, beside);
criterion_main!(benches);
