// SPDX-License-Identifier: Apache-2.0
//
// The sending end of an exchange: the last operator of a chain, one per edge of the plan that
// leaves the stage. Routes each slice to tasks of the next stage and ends the attempt with markers.
// What goes to another process is encoded here, on the thread that made it.
#ifndef TRIDENT_ENGINE_EXCHANGE_WRITER_H_
#define TRIDENT_ENGINE_EXCHANGE_WRITER_H_

#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "engine/operator.h"
#include "engine/partitioner.h"
#include "engine/transport/message.h"

namespace trident {

class EncodedFrame;

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
  // As Transport::SendTogether.
  virtual void SendTogether(std::vector<DataMessage> messages) {
    for (DataMessage& message : messages) Send(std::move(message));
  }
  // As Transport::FarWorkerOf.
  virtual std::optional<WorkerId> FarWorkerOf(const TaskAddress& to) const = 0;
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
  // Rows of a slice, one after the other, that go to one task.
  struct Run {
    uint32_t task = 0;
    size_t first = 0;
    size_t rows = 0;
  };
  void ArrangeTasks();
  void SendWhole(const Slice& slice, size_t first_rank, size_t last_rank);
  void SortRows(size_t rows);
  void SendByRow(const Slice& slice);
  void SendFar(const Slice& slice, std::span<const Run> runs);
  void SendPart(const Slice& slice, std::span<const Run> runs, std::span<const uint32_t> places);
  void SendEncoded(const std::shared_ptr<const EncodedFrame>& frame, std::span<const Run> runs);
  DataFrame Framed(uint32_t task, std::shared_ptr<const Payload> payload);

  ExchangeSpec spec_;
  TaskAddress from_;
  FrameSender* sender_;
  BatchContext context_;
  uint32_t slices_ = 0;
  std::vector<Link> links_;  // per target task
  // The target tasks: those of this process, then those of each other process together. A task's
  // rank is its place here.
  std::vector<uint32_t> tasks_;
  std::vector<uint32_t> rank_;        // per target task
  size_t near_ = 0;                   // ranks of this process
  std::vector<size_t> process_ends_;  // of the other ones: one more than the last rank of each
  Routing routing_;
  std::vector<size_t> first_place_;  // scratch of SendByRow: counting sort of rows by task
  std::vector<uint32_t> places_;
  std::vector<Run> runs_;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_EXCHANGE_WRITER_H_
