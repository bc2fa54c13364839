// SPDX-License-Identifier: Apache-2.0
//
// A worker's end of a control stream that says any bytes.
#ifndef TRIDENT_TESTS_COORDINATOR_CLUSTER_RAW_WORKER_H_
#define TRIDENT_TESTS_COORDINATOR_CLUSTER_RAW_WORKER_H_

#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>

#include <memory>
#include <string>

namespace trident {

// One thread. Every call waits for gRPC.
class RawWorker {
 public:
  explicit RawWorker(const std::string& address, const std::string& token = "");
  ~RawWorker();

  void Say(const std::string& bytes);
  // True: a message has come.
  bool Hear();
  // Hears until the leader ends the stream, and how it did.
  grpc::Status AwaitEnd();

 private:
  bool Next();

  grpc::CompletionQueue queue_;
  grpc::ClientContext context_;
  grpc::GenericStub stub_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
};

}  // namespace trident

#endif  // TRIDENT_TESTS_COORDINATOR_CLUSTER_RAW_WORKER_H_
