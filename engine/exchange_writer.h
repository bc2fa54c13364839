// SPDX-License-Identifier: Apache-2.0
//
// The sending end of an exchange: the last operator of a chain, one per edge of the plan that
// leaves the stage. Routes each slice to tasks of the next stage and ends the attempt with markers.
#ifndef TRIDENT_ENGINE_EXCHANGE_WRITER_H_
#define TRIDENT_ENGINE_EXCHANGE_WRITER_H_

#include <vector>

#include "engine/operator.h"
#include "engine/partitioner.h"
#include "engine/transport/message.h"

namespace trident {

// An edge of the plan: how tuples get from one stage to the next.
struct ExchangeSpec {
  uint32_t edge = 0;
  StageId to_stage;
  uint32_t to_tasks = 1;
  PartitionerRef partitioner;
};

// Takes messages off a task's hands; the executor that runs the task.
class FrameSender {
 public:
  virtual ~FrameSender() = default;
  virtual void Send(DataMessage message) = 0;
};

class ExchangeWriter final : public Operator {
 public:
  // `sender` must outlive the writer.
  ExchangeWriter(ExchangeSpec spec, TaskAddress from, FrameSender* sender);

  void Begin(const BatchContext& context) override;
  Status Process(const Slice& slice, Output& out) override;
  Status Finish(Output& out) override;

 private:
  struct Link {
    uint32_t frames = 0;
    uint64_t checksum = 0;
  };
  void SendFrame(uint32_t task, Slice slice);
  void SendByRow(const Slice& slice);

  ExchangeSpec spec_;
  TaskAddress from_;
  FrameSender* sender_;
  BatchContext context_;
  uint32_t slices_ = 0;
  std::vector<Link> links_;  // per target task
  Routing routing_;
  std::vector<uint32_t> first_place_;  // scratch of SendByRow: counting sort of rows by task
  std::vector<uint32_t> places_;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_EXCHANGE_WRITER_H_
