//! Instanton over `rclrs`: the same node as `instanton run`, as a node of a ROS 2 installation.
//!
//! The problem: where ROS 2 is installed, a node should use what is there, in the domain, middleware (`RMW_IMPLEMENTATION`),
//! security and discovery that the installation is set to. The contract is [`Middleware`]: CDR in, CDR out, over whichever
//! types the node has.
//!
//! ```no_run
//! use instanton::ros::{Message, Middleware, PointCloud2View, Qos};
//! use instanton_ros::{Rclrs, RclrsOptions};
//!
//! let node = Rclrs::open(RclrsOptions::new("listener"))?;
//! let subscription = node.subscribe(
//!     "/camera/points",
//!     PointCloud2View::TYPE,
//!     Qos::SENSOR_DATA,
//!     Box::new(|message| println!("{} bytes", message.bytes.len())),
//! )?;
//! # drop(subscription);
//! # Ok::<(), instanton::ros::MiddlewareError>(())
//! ```
//!
//! `rclrs` owns the context, the node, the wait sets and every publisher, subscription and service. It speaks types that
//! are generated at compile time, and no CDR. What is done about that:
//!
//! | | how |
//! |---|---|
//! | types | found by name while it runs (`type_support`), so that no message crates need to be generated |
//! | clouds in | taken from rcl as the CDR that came (`runtime`, `subscription`): one copy |
//! | messages out | read into a C struct, which `rclrs` publishes (`publisher`): one copy more than rcl's own |
//! | services | taken and answered as C structs, turned into CDR and back (`service`) |
//! | matches, mismatches | from the graph (`peers`) |
//!
//! `rclrs`'s own parameter services, `/rosout` publisher and clock are off: Instanton has its own, the same ones over every
//! middleware.

mod callback;
mod home;
mod peers;
mod publisher;
mod quality;
mod raw_message;
mod rcl;
mod runtime;
mod service;
mod subscription;
mod threads;
mod type_support;

use std::sync::Arc;

use instanton::ros::names::{NodeName, check_whole_name};
use instanton::ros::{
    MessageType, Middleware, MiddlewareError, OnMessage, OnRequest, Publisher, Qos, Service, ServiceType, Subscription,
};
use rclrs::{
    ClockType, Context, InitOptions, IntoNodeOptions, IntoPrimitiveOptions, LogSeverity, Logger, NodeOptions,
    RclrsError,
};

use callback::Callback;
use home::{Home, PATIENCE};
use peers::{End, Peers};
use publisher::RclrsPublisher;
use raw_message::{RawMessage, RawService, with_message, with_service};
use runtime::{Taker, ThreadPerWorker};
use service::RclrsService;
use subscription::RclrsSubscription;

/// Which node to be, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RclrsOptions {
    /// Domain; `None`: as `ROS_DOMAIN_ID` says, 0 without it.
    pub domain: Option<u16>,
    /// The node's name, without namespace: `instanton`.
    pub node_name: String,
    /// The node's namespace: `/`, or `/robot/head`.
    pub namespace: String,
    /// Path of its enclave in the keystore of SROS 2; `None`: as `ROS_SECURITY_ENCLAVE_OVERRIDE` says, `/` without it.
    pub enclave: Option<String>,
}

impl RclrsOptions {
    /// A node of this name in the namespace `/`, in the domain that the environment says.
    pub fn new(node_name: &str) -> Self {
        Self { domain: None, node_name: node_name.to_owned(), namespace: "/".to_owned(), enclave: None }
    }
}

/// A node of a ROS 2 installation. It leaves the graph when it and all that was made with it have been dropped; the last of
/// them waits for the threads of all of them, so that a program may end then.
pub struct Rclrs {
    home: Arc<Home>,
    description: String,
}

impl Rclrs {
    /// Makes a context and a node of its own.
    ///
    /// # Errors
    /// [`MiddlewareError::Start`] for a name that is none, and whatever rcl has to object.
    pub fn open(options: RclrsOptions) -> Result<Self, MiddlewareError> {
        let start = |reason: String| MiddlewareError::Start { what: format!("ROS node {}", options.node_name), reason };
        let failed = |error: RclrsError| start(error.to_string());
        let name = NodeName::new(&options.namespace, &options.node_name).map_err(|error| start(error.to_string()))?;
        // Nothing else: `--ros-args` have been applied by Instanton, and must not be applied twice.
        let enclave = options.enclave.iter().flat_map(|path| ["--ros-args", "--enclave", path]).map(str::to_owned);
        let init = InitOptions::new().with_domain_id(options.domain.map(usize::from));
        let context = Context::new(enclave, init).map_err(failed)?;
        // Middlewares do not tell the history of peers, and `rclrs` calls that an error each time the graph is asked.
        Logger::new("QoSProfile.conversion").and_then(|logger| logger.set_level(LogSeverity::Fatal)).map_err(failed)?;
        let runtime = ThreadPerWorker::default();
        let workers = runtime.workers();
        let executor = context.create_executor(runtime);
        let node = NodeOptions::new(name.name())
            .namespace(name.namespace())
            .use_global_arguments(false)
            .enable_rosout(false)
            .start_parameter_services(false)
            .clock_type(ClockType::SystemTime);
        let made = executor.create_node(node);
        // It has a worker already, which has nothing to do then.
        drop(executor);
        let node = made.map_err(|error| {
            workers.wait(PATIENCE);
            failed(error)
        })?;
        let domain = context.domain_id();
        let description = format!("rclrs on {}, domain {domain}, node {}", rcl::implementation(), name.whole());
        Ok(Self { home: Home::new(node, workers), description })
    }

    fn try_publish(&self, topic: &str, message: MessageType, qos: Qos) -> Result<RclrsPublisher, String> {
        check_whole_name(topic).map_err(|error| error.to_string())?;
        let functions = type_support::message(message.name)?;
        let create = || self.home.node().create_publisher::<RawMessage>(topic.qos(quality::profile(&qos)));
        let publisher = with_message(functions, create).map_err(|error| error.to_string())?;
        let peers = Peers::new(&self.home, topic, message.name, qos, End::Publisher);
        Ok(RclrsPublisher { publisher, functions, topic: topic.to_owned(), peers })
    }

    fn try_subscribe(
        &self,
        topic: &str,
        message: MessageType,
        qos: Qos,
        on_message: OnMessage,
    ) -> Result<RclrsSubscription, String> {
        check_whole_name(topic).map_err(|error| error.to_string())?;
        let functions = type_support::message(message.name)?;
        let callback = Callback::new(on_message);
        let worker = self.home.node().create_worker(subscription::taker(topic, &callback)?);
        let never_called = |_: &mut Taker, _: RawMessage| {};
        let create = || worker.create_subscription::<RawMessage, _>(topic.qos(quality::profile(&qos)), never_called);
        let subscription = with_message(functions, create).map_err(|error| error.to_string())?;
        let peers = Peers::new(&self.home, topic, message.name, qos, End::Subscription);
        Ok(RclrsSubscription { topic: topic.to_owned(), callback, _subscription: subscription, peers })
    }

    fn try_serve(&self, name: &str, service: ServiceType, on_request: OnRequest) -> Result<RclrsService, String> {
        check_whole_name(name).map_err(|error| error.to_string())?;
        let functions = type_support::service(service.name)?;
        let callback = Callback::new(on_request);
        let worker = self.home.node().create_worker(service::taker(name, functions, &callback)?);
        let never_called = |_: &mut Taker, _: RawMessage| RawMessage::default();
        let create = || worker.create_service::<RawService, _>(name, never_called);
        let service = with_service(functions, create).map_err(|error| error.to_string())?;
        Ok(RclrsService { name: name.to_owned(), callback, _service: service, _home: Arc::clone(&self.home) })
    }
}

impl Middleware for Rclrs {
    fn describe(&self) -> String {
        self.description.clone()
    }

    fn publish(&self, topic: &str, message: MessageType, qos: Qos) -> Result<Box<dyn Publisher>, MiddlewareError> {
        let publisher = self.try_publish(topic, message, qos).map_err(refused(topic, message.name))?;
        Ok(Box::new(publisher))
    }

    fn subscribe(
        &self,
        topic: &str,
        message: MessageType,
        qos: Qos,
        on_message: OnMessage,
    ) -> Result<Box<dyn Subscription>, MiddlewareError> {
        let subscription = self.try_subscribe(topic, message, qos, on_message).map_err(refused(topic, message.name))?;
        Ok(Box::new(subscription))
    }

    fn serve(
        &self,
        name: &str,
        service: ServiceType,
        on_request: OnRequest,
    ) -> Result<Box<dyn Service>, MiddlewareError> {
        let service = self.try_serve(name, service, on_request).map_err(refused(name, service.name))?;
        Ok(Box::new(service))
    }
}

fn refused(name: &str, kind: &str) -> impl FnOnce(String) -> MiddlewareError {
    let (name, kind) = (name.to_owned(), kind.to_owned());
    move |reason| MiddlewareError::Create { name, kind, reason }
}
