//! The list of the promises, run over any [`World`](crate::world::World).

/// A module for each world, with a test for each promise. The crate has the ideas as modules, and `world`.
macro_rules! suite {
    ($world:ty: $($idea:ident :: $promise:ident,)*) => {
        $(#[test]
        fn $promise() {
            crate::$idea::$promise(&<$world>::new(stringify!($promise)));
        })*
    };
    ($($world:ty, in $module:ident $(if $condition:meta)?;)*) => {
        $($(#[cfg($condition)])?
        mod $module {
            crate::suite::suite! { $world:
                order::messages_arrive_whole_and_in_order,
                order::sizes_around_the_padding_arrive,
                order::publishers_are_told_apart,
                order::a_slow_callback_gets_the_newest,
                big::clouds_arrive_reliably,
                big::clouds_arrive_with_best_effort,
                late::the_late_get_what_is_latched,
                late::the_late_get_nothing_of_the_volatile,
                late::a_second_subscription_does_not_get_what_the_first_got,
                mismatch::reliability_is_told_on_both_sides,
                mismatch::durability_is_told_on_both_sides,
                mismatch::types_that_differ_are_strangers,
                counts::counts_go_up_and_back,
                counts::names_that_are_none_are_refused,
                ends::nothing_is_called_after_the_drop,
                ends::a_callback_may_drop_its_own_subscription,
                ends::a_long_callback_does_not_hold_up_the_drop,
                panics::a_callback_that_panics_is_called_again,
                services::services_answer,
                services::services_that_refuse_live_on,
                services::services_end,
            }
        })*
    };
}

pub(crate) use suite;
