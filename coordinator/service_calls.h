// SPDX-License-Identifier: Apache-2.0
//
// What every gRPC service of ours does at its edge: outcomes become gRPC's, deadlines become ours.
#ifndef TRIDENT_COORDINATOR_SERVICE_CALLS_H_
#define TRIDENT_COORDINATOR_SERVICE_CALLS_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include "base/clock.h"
#include "base/status.h"

namespace trident {

// The same code and message; a message longer than a trailer may hold is cut.
grpc::Status ToGrpc(const Status& status);

// What is left until the call's deadline; the greatest Nanos when it has none.
Nanos NanosLeft(const grpc::CallbackServerContext& context);

// Ends a unary call at once.
grpc::ServerUnaryReactor* FinishNow(grpc::CallbackServerContext& context, const Status& status);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_SERVICE_CALLS_H_
