//! The adapter suite bites: each deliberate defect is noticed by the case that is about it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    clippy::cognitive_complexity,
    reason = "every await counts as branches, more of them where another crate turns on `tracing/log`"
)]

mod http2;
mod server;

use std::panic::{AssertUnwindSafe, catch_unwind};

use apikey_conformance::{Harness, Running, Service, adapter, adapter_suite, run};

/// Serves without any framework, and without a defect.
struct Sound;

impl Harness for Sound {
    async fn serve(service: Service) -> Running {
        server::serve(service, server::Defect::None).await
    }
}

adapter_suite!(without_a_defect, Sound);

/// One test for each pair: on an adapter with the defect, the case fails.
macro_rules! notices {
    ($($defect:ident: $room:ident::$case:ident as $test:ident;)*) => {$(
        #[test]
        fn $test() {
            struct Broken;

            impl Harness for Broken {
                async fn serve(service: Service) -> Running {
                    server::serve(service, server::Defect::$defect).await
                }
            }

            let outcome = catch_unwind(AssertUnwindSafe(|| {
                run(stringify!($case), &[], Ok(()), adapter::$room::$case::<Broken>());
            }));
            assert!(outcome.is_err(), "{} passes {}", stringify!($defect), stringify!($case));
        }
    )*};
}

notices! {
    TakesFirstLine: table::answers_requests_with_authorization as an_adapter_that_takes_the_first_of_many_keys;
    ReadsLossily: table::answers_requests_with_authorization as an_adapter_that_repairs_what_is_not_utf8;
    MindsHeaderCase: table::answers_requests_with_two_headers as an_adapter_that_minds_the_case_of_header_names;
    LosesChallenge: table::answers_requests_with_bearer_tokens as an_adapter_that_loses_a_header;
    LosesQuery: table::answers_requests_with_a_query as an_adapter_that_loses_the_query;
    EchoesKey: table::answers_requests_with_a_query as an_adapter_that_echoes_the_key;
    AllowsCaching: table::answers_requests_with_authorization as an_adapter_that_allows_caching;
    RepeatsChallenge: table::answers_requests_with_authorization as an_adapter_that_repeats_a_header;
    RoutesFirst: guard::refuses_unknown_paths_and_methods_first as an_adapter_that_routes_first;
    GuardsByBeginning: guard::guards_nothing_beside_the_subtree as an_adapter_that_guards_by_beginning;
    VerifiesTwice: guard::asks_the_store_once_per_request as an_adapter_that_verifies_twice;
    SwallowsRefusals: guard::an_optional_key_may_be_absent_but_not_bad as an_adapter_that_swallows_refusals;
    MixesHandles: guard::keeps_two_handles_apart as an_adapter_that_mixes_handles;
    SendsBodyOnHead: guard::answers_head_like_get as an_adapter_that_sends_a_body_on_head;
    TellsReason: guard::tells_nobody_the_state_of_a_key as an_adapter_that_tells_the_reason;
    BlamesClient: failure::answers_503_when_the_store_fails as an_adapter_that_blames_the_client;
    BlamesClient: failure::answers_503_when_the_hasher_is_not_configured as an_adapter_that_blames_the_key;
    BlamesItself: failure::refuses_a_key_with_a_damaged_hash as an_adapter_that_blames_itself;
    SharesAnswers: load::answers_50_parallel_requests_each_for_itself as an_adapter_that_shares_answers;
    IsBusy: load::survives_a_client_that_hangs_up as an_adapter_that_does_one_thing_at_a_time;
    MixesStreams: http2::answers_streams_of_one_connection_each_for_itself as an_adapter_that_mixes_streams;
    IsBusy: http2::survives_a_stream_that_is_reset as an_adapter_that_serves_one_stream_at_a_time;
    LogsKeys: log::logs_each_refusal_once_and_no_secret as an_adapter_that_logs_keys;
    VerifiesTwice: log::logs_each_refusal_once_and_no_secret as an_adapter_that_logs_refusals_twice;
}
