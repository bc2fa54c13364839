// SPDX-License-Identifier: Apache-2.0
#include "tests/coordinator/cluster/raw_worker.h"

#include <grpc/support/time.h>
#include <grpcpp/create_channel.h>

#include "base/check.h"
#include "coordinator/cluster/control_token.h"

namespace trident {

RawWorker::RawWorker(const std::string& address, const std::string& token)
    : stub_(grpc::CreateChannel(address, grpc::InsecureChannelCredentials())) {
  context_.set_wait_for_ready(true);
  // A leader that never ends the stream fails the test, and does not hold it up.
  context_.set_deadline(
      gpr_time_add(gpr_now(GPR_CLOCK_REALTIME), gpr_time_from_seconds(10, GPR_TIMESPAN)));
  if (!token.empty()) context_.AddMetadata(kControlTokenKey, token);
  stream_ = stub_.PrepareCall(&context_, "/trident.control.v1.Control/Stream", &queue_);
  stream_->StartCall(this);
  Next();
}

RawWorker::~RawWorker() {
  context_.TryCancel();
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

bool RawWorker::Next() {
  void* tag = nullptr;
  bool ok = false;
  TRIDENT_CHECK(queue_.Next(&tag, &ok));
  return ok;
}

void RawWorker::Say(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  stream_->Write(grpc::ByteBuffer(&slice, 1), this);
  Next();
}

bool RawWorker::Hear() {
  grpc::ByteBuffer message;
  stream_->Read(&message, this);
  return Next();
}

grpc::Status RawWorker::AwaitEnd() {
  while (Hear()) {
  }
  grpc::Status status;
  stream_->Finish(&status, this);
  Next();
  return status;
}

}  // namespace trident
