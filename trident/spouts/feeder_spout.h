// SPDX-License-Identifier: Apache-2.0
//
// FeederSpout: rows that the program itself puts in, from any thread.
//
//   auto feeder = FeederSpout<Text>::Make(Fields(kSentence)).value();
//   topology.NewStream("sentences", feeder);
//   ...
//   StatusOr<TxId> txid = feeder->Append({{"the cow"}, {"the man"}}, WaitFor::kCommit);
//   // every read at `txid` or later sees both sentences
//
// Rows are kept until the batch with them is committed, so an attempt that fails is made again with
// the same rows. They live in memory: rows that are not committed when the process ends are lost,
// and nobody was told that they were committed.
#ifndef TRIDENT_TRIDENT_SPOUTS_FEEDER_SPOUT_H_
#define TRIDENT_TRIDENT_SPOUTS_FEEDER_SPOUT_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/spout.h"
#include "trident/spouts/feeder_queue.h"
#include "trident/spouts/owned_rows.h"
#include "trident/spouts/row_number.h"
#include "trident/spouts/spout_fields.h"

namespace trident {

// The event that Append waits for.
enum class WaitFor : uint8_t { kCommit };

// It has one source partition, "feed". Positions count rows, and go on from the position of a
// restored state.
//
// Opaque: within one life of the process a range of positions always gives the same rows, but after
// a restart other rows take the numbers of those that were never committed. Thread-safe.
template <class... Ts>
class FeederSpout final : public Spout {
 public:
  using Row = OwnedRow<Ts...>;

  // InvalidArgument if there are no fields, two have one name, or there is room for no rows or no
  // bytes.
  static StatusOr<std::shared_ptr<FeederSpout>> Make(FieldList<Ts...> fields,
                                                     FeederOptions options = {}) {
    TRIDENT_ASSIGN_OR_RETURN(SchemaRef schema, SchemaOfSpout("FeederSpout", fields.Describe()));
    TRIDENT_RETURN_IF_ERROR(CheckFeederOptions(options));
    return std::shared_ptr<FeederSpout>(new FeederSpout(std::move(schema), options));
  }

  // Queues the rows, in order; they go into one batch if its limits allow it. While the queue is
  // full this blocks or fails, see FeederOptions; never call it on an executor thread.
  // ResourceExhausted names the limit. After a halt of the topology this fails with its cause.
  StatusOr<AppendTicket> Append(std::vector<Row> rows) {
    uint64_t bytes = 0;
    for (const Row& row : rows) bytes += RowBytes(row);
    const uint64_t count = rows.size();
    auto kept = std::make_shared<const std::vector<Row>>(std::move(rows));
    return queue_->Append({std::move(kept), count, bytes});
  }
  // The same, but blocks until the rows are committed and visible, and returns the txid of their
  // batch. Unavailable: the topology stopped, and it is unknown whether they were committed. The
  // cause of a halt, if the topology halted: again unknown.
  StatusOr<TxId> Append(std::vector<Row> rows, WaitFor /*commit*/) {
    TRIDENT_ASSIGN_OR_RETURN(const AppendTicket ticket, Append(std::move(rows)));
    return ticket.Wait();
  }
  // Ends the stream after the rows that have been appended.
  void Finish() { queue_->Finish(); }

  SpoutKind kind() const override { return SpoutKind::kOpaque; }
  const SchemaRef& schema() const override { return schema_; }
  StatusOr<std::vector<std::string>> Partitions() override {
    return std::vector<std::string>{kPartition};
  }
  bool ReadsInOneProcess() const override { return true; }
  StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string& /*partition*/,
                                                     WakeUp wake_up) override {
    return std::make_unique<Reader>(schema_, queue_, queue_->AddReader(std::move(wake_up)));
  }
  Backlog BacklogAfter(const std::string& /*partition*/, const Position& position) override {
    const StatusOr<uint64_t> at = RowOfPosition(position, kPartition);
    return at.ok() ? Backlog::Rows(queue_->RowsAfter(*at)) : Backlog();
  }
  PositionForm positions() const override { return RowNumbers(PositionForm::GoesBack::kNo); }
  Status CheckPosition(const std::string& partition, const Position& position) const override {
    TRIDENT_RETURN_IF_ERROR(CheckOnlyPartition(partition, kPartition));
    return RowOfPosition(position, partition).status();
  }
  void Halted(const Status& cause) override { queue_->Halt(cause); }
  std::string Describe() const override { return "feeder"; }

 private:
  static constexpr char kPartition[] = "feed";

  class Reader final : public SourceReader {
   public:
    Reader(SchemaRef schema, std::shared_ptr<FeederQueue> queue, FeederQueue::ReaderId id)
        : schema_(std::move(schema)), queue_(std::move(queue)), id_(id) {}
    ~Reader() override { queue_->RemoveReader(id_); }

    StatusOr<ReadResult> Read(const ReadRequest& request, Output& out) override {
      TRIDENT_ASSIGN_OR_RETURN(const uint64_t start, RowOfPosition(request.start, kPartition));
      std::optional<uint64_t> end;
      if (request.end != nullptr) {
        TRIDENT_ASSIGN_OR_RETURN(end, RowOfPosition(*request.end, kPartition));
      }
      TRIDENT_ASSIGN_OR_RETURN(const FeederQueue::Taken taken,
                               queue_->Take(start, end, request.limits));
      TRIDENT_RETURN_IF_ERROR(out.Emit(BatchOf(taken)));
      return ReadResult{PositionOfRow(taken.end), taken.end - start, taken.bytes, taken.next};
    }
    StatusOr<Availability> Poll(const Position& position) override {
      TRIDENT_ASSIGN_OR_RETURN(const uint64_t at, RowOfPosition(position, kPartition));
      return Availability{queue_->Poll(at), 0};
    }
    void Committed(TxId txid, const Position& position) override {
      const StatusOr<uint64_t> end = RowOfPosition(position, kPartition);
      if (end.ok()) queue_->Committed(txid, *end);
    }

   private:
    Slice BatchOf(const FeederQueue::Taken& taken) const {
      OwnedRowColumns<Ts...> columns;
      std::vector<BufferRef> keep;
      for (const FeederQueue::Piece& piece : taken.pieces) {
        const auto& rows = *static_cast<const std::vector<Row>*>(piece.rows.get());
        for (uint64_t i = piece.begin; i < piece.end; ++i) columns.Append(rows[i]);
        keep.push_back(piece.rows);
      }
      return columns.Finish(schema_, keep);
    }

    const SchemaRef schema_;
    const std::shared_ptr<FeederQueue> queue_;
    const FeederQueue::ReaderId id_;
  };

  FeederSpout(SchemaRef schema, FeederOptions options)
      : schema_(std::move(schema)), queue_(std::make_shared<FeederQueue>(options)) {}

  const SchemaRef schema_;
  const std::shared_ptr<FeederQueue> queue_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_FEEDER_SPOUT_H_
