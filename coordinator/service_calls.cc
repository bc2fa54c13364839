// SPDX-License-Identifier: Apache-2.0
#include "coordinator/service_calls.h"

#include <grpc/support/time.h>

#include <limits>
#include <string>

namespace trident {
namespace {

// A status message travels as a trailer, where each byte that is not plain ASCII takes three, and a
// client allows 8 KiB for all of them.
constexpr size_t kMessageBytesMax = 2000;

}  // namespace

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
