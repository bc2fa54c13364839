// SPDX-License-Identifier: Apache-2.0
//
// What every gRPC service of ours does at its edge: bytes become messages, outcomes become gRPC's,
// deadlines become ours. Services take their requests as bytes, because gRPC answers malformed ones
// with UNIMPLEMENTED and no word of what is wrong.
#ifndef TRIDENT_COORDINATOR_SERVE_SERVICE_CALLS_H_
#define TRIDENT_COORDINATOR_SERVE_SERVICE_CALLS_H_

#include <google/protobuf/message_lite.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include "base/clock.h"
#include "base/status.h"

namespace trident {

// InvalidArgument when `bytes` are no message of that type.
Status ParseMessage(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite& out);
grpc::ByteBuffer SerializeMessage(const google::protobuf::MessageLite& message);

// The same code and message; a message longer than a trailer may hold is cut.
grpc::Status ToGrpc(const Status& status);

// What is left until the call's deadline; the greatest Nanos when it has none.
Nanos NanosLeft(const grpc::CallbackServerContext& context);

// Ends a unary call at once.
grpc::ServerUnaryReactor* FinishNow(grpc::CallbackServerContext& context, const Status& status);

// Answers a unary call on this thread with handle(request, response) -> Status.
template <class Request, class Response, class Handle>
grpc::ServerUnaryReactor* AnswerNow(grpc::CallbackServerContext& context,
                                    const grpc::ByteBuffer& request_bytes,
                                    grpc::ByteBuffer& response_bytes, Handle handle) {
  Request request;
  Response response;
  Status status = ParseMessage(request_bytes, request);
  if (status.ok()) status = handle(request, response);
  if (status.ok()) response_bytes = SerializeMessage(response);
  return FinishNow(context, status);
}

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_SERVE_SERVICE_CALLS_H_
