// SPDX-License-Identifier: Apache-2.0
#include "coordinator/serve/service_calls.h"

#include <grpc/support/time.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <limits>
#include <string>

namespace trident {
namespace {

// A status message travels as a trailer, where each byte that is not plain ASCII takes three, and a
// client allows 8 KiB for all of them.
constexpr size_t kMessageBytesMax = 2000;

bool Parse(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite& out) {
  grpc::Slice slice;
  if (bytes.TrySingleSlice(&slice).ok()) {
    return out.ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
  }
  grpc::ByteBuffer shared(bytes);
  grpc::ProtoBufferReader reader(&shared);
  return reader.status().ok() && out.ParseFromZeroCopyStream(&reader);
}

}  // namespace

Status ParseMessage(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite& out) {
  if (Parse(bytes, out)) return {};
  return InvalidArgument("expected a message ", out.GetTypeName(), ", found ", bytes.Length(),
                         " bytes that are none; check that client and server have the same "
                         "proto files, that strings are UTF-8, and that lists are nested at most "
                         "a few dozen deep");
}

grpc::ByteBuffer SerializeMessage(const google::protobuf::MessageLite& message) {
  grpc::Slice slice(message.ByteSizeLong());
  message.SerializeWithCachedSizesToArray(const_cast<uint8_t*>(slice.begin()));
  return grpc::ByteBuffer(&slice, 1);
}

grpc::Status ToGrpc(const Status& status) {
  if (status.ok()) return grpc::Status::OK;
  std::string message(Message(status));
  if (message.size() > kMessageBytesMax) message = message.substr(0, kMessageBytesMax) + " ...";
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), message);
}

Nanos NanosLeft(const grpc::CallbackServerContext& context) {
  const gpr_timespec deadline = context.raw_deadline();
  if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0) {
    return std::numeric_limits<Nanos>::max();
  }
  const gpr_timespec left = gpr_time_sub(gpr_convert_clock_type(deadline, GPR_CLOCK_MONOTONIC),
                                         gpr_now(GPR_CLOCK_MONOTONIC));
  // Beyond a century the seconds would not fit.
  constexpr int64_t kSecondsMax = 3'000'000'000;
  if (left.tv_sec > kSecondsMax) return std::numeric_limits<Nanos>::max();
  return left.tv_sec * kSecond + left.tv_nsec;
}

grpc::ServerUnaryReactor* FinishNow(grpc::CallbackServerContext& context, const Status& status) {
  grpc::ServerUnaryReactor* reactor = context.DefaultReactor();
  reactor->Finish(ToGrpc(status));
  return reactor;
}

}  // namespace trident
