// SPDX-License-Identifier: Apache-2.0
//
// exchange: rows of 64 bytes from a task of one process to tasks of another, until they are slices
// there: routed, encoded, carried and decoded. Beside it the same bytes over a raw stream.
#include "tests/bench/exchange.h"

#include <malloc.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "base/rng.h"
#include "engine/data/field.h"
#include "engine/exchange_writer.h"
#include "engine/links/peer_links.h"
#include "engine/mailbox.h"
#include "engine/partitioners/by_fields.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/stream_baseline.h"

namespace trident::bench {
namespace {

constexpr uint64_t kRows = 1'000'000;
constexpr size_t kRowsPerSlice = kFrameRows;
constexpr size_t kSlices = 256;  // different ones
// What may wait for the link: a stand-in for the bounds of a batch.
constexpr uint64_t kWaitingBytesMax = 8 * kMiB;
constexpr std::chrono::microseconds kLookEvery{200};  // a small part of what waits
constexpr WorkerId kHere(0), kThere(1);
constexpr StageId kAnswers(9);  // its one task is here; all other stages are there
constexpr std::array<uint32_t, 3> kTasks = {1, 8, 64};  // of the stages 1, 2 and 3

uint32_t TasksOf(StageId stage) {
  if (stage == kAnswers) return 1;
  return stage.value() >= 1 && stage.value() <= kTasks.size() ? kTasks[stage.value() - 1] : 0;
}

SchemaRef RowSchema() {
  static const SchemaRef* const schema = new SchemaRef(std::make_shared<const Schema>(*Schema::Make(
      Fields(Field<Text>{"key"}, Field<int64_t>{"a"}, Field<int64_t>{"b"}, Field<int64_t>{"c"},
             Field<int64_t>{"d"}, Field<int64_t>{"e"}, Field<int64_t>{"f"})
          .Describe())));
  return *schema;
}

// Rows as grouping by their key leaves them.
Slice MakeSlice(Rng& rng) {
  constexpr size_t kKeyBytes = 14;
  auto text = std::make_shared<std::string>(kRowsPerSlice * kKeyBytes, 'k');
  for (char& c : *text) c = static_cast<char>('a' + rng.Below(26));
  auto texts = std::make_shared<ColumnOf<Text>>();
  auto keys = std::make_shared<KeyColumn>();
  for (size_t i = 0; i < kRowsPerSlice; ++i) {
    const Text key = Text(*text).substr(i * kKeyBytes, kKeyBytes);
    texts->Append(key);
    keys->keys.Append(HashedKey{key, HashBytes(key)});
  }
  texts->Retain(text);
  keys->retained.push_back(text);
  std::vector<ColumnRef> columns = {texts};
  while (columns.size() < RowSchema()->size()) {
    auto numbers = std::make_shared<ColumnOf<int64_t>>();
    for (size_t i = 0; i < kRowsPerSlice; ++i) numbers->Append(static_cast<int64_t>(rng()));
    columns.push_back(std::move(numbers));
  }
  Slice slice(RowSchema(), std::move(columns), kRowsPerSlice);
  slice.set_keys(std::move(keys));
  return slice;
}

PeerLinks::Options LinkOptions(WorkerId self) {
  return {.self = {Epoch(1), self, Incarnation(1)},
          .token = "bench",
          .worker_of = [](const TaskAddress& to) { return to.stage == kAnswers ? kHere : kThere; },
          .tasks_of = TasksOf,
          .accept = [](const PeerLife&) { return absl::OkStatus(); },
          .deliver = {},
          .on_broken = [](WorkerId, const Status&) {}};
}

// Both processes use memory as a run of a topology does (trident/run/run.cc).
void ReturnLargeBuffers() {
  ::mallopt(M_MMAP_THRESHOLD, 256 * kKiB);
  ::mallopt(M_TRIM_THRESHOLD, 1 * kMiB);
}

// ---- the process that takes the rows ----

// Decodes what comes, as executors do. When all ends of a batch are there, it answers with one that
// has the rows in place of a checksum.
class Taker {
 public:
  explicit Taker(Mailbox* mailbox) : mailbox_(mailbox) {}

  void Run(PeerLinks& links) {
    std::vector<Control> controls;
    std::vector<DataMessage> messages;
    while (!mailbox_->interrupted()) {
      mailbox_->TakeAll(controls, messages);
      if (messages.empty()) mailbox_->Wait(kSecond);
      for (const DataMessage& message : messages) Take(message, links);
      messages.clear();
    }
  }

 private:
  void Take(const DataMessage& message, PeerLinks& links) {
    if (const auto* frame = std::get_if<DataFrame>(&message)) {
      const StatusOr<Slice> slice = EncodedRows(*frame).Decode(decoder_);
      rows_ += slice.ok() ? slice->rows() : 0;
      return;
    }
    EndMarker end = std::get<EndMarker>(message);
    if (++ends_ < TasksOf(end.to.stage)) return;
    end.from = end.to;
    end.to = {kAnswers, 0};
    end.checksum = rows_;
    rows_ = ends_ = 0;
    links.Send(end);
  }

  Mailbox* const mailbox_;
  const SliceDecoder decoder_ = *SliceDecoder::Make(RowSchema());
  uint64_t rows_ = 0;
  uint64_t ends_ = 0;
};

// ---- the process that sends them ----

class LinkSender final : public FrameSender {
 public:
  explicit LinkSender(Transport* transport) : transport_(transport) {}
  void Send(DataMessage message) override { transport_->Send(std::move(message)); }
  void SendTogether(std::vector<DataMessage> messages) override {
    transport_->SendTogether(std::move(messages));
  }
  std::optional<WorkerId> FarWorkerOf(const TaskAddress& to) const override {
    return transport_->FarWorkerOf(to);
  }

 private:
  Transport* const transport_;
};

// Makes bundles of what is sent, as a link does whose bundles are all full.
class BundleKeeper final : public Transport {
 public:
  void Send(DataMessage message) override {
    if (writer_.TryAppend(message)) return;
    Keep();
    writer_.TryAppend(message);
  }
  std::optional<WorkerId> FarWorkerOf(const TaskAddress&) const override { return kThere; }
  void Keep() { bundles.push_back(writer_.Finish().Joined()); }

  std::vector<std::string> bundles;

 private:
  BundleWriter writer_{Epoch(1), kHere, [](StageId) { return std::span<const uint32_t>(); }};
};

class NoOutput final : public Output {
 public:
  Status Emit(const Slice&) override { return absl::OkStatus(); }
};

class TwoProcesses {
 public:
  static StatusOr<std::unique_ptr<TwoProcesses>> Start() {
    std::unique_ptr<TwoProcesses> both(new TwoProcesses);
    TRIDENT_RETURN_IF_ERROR(both->Open());
    return both;
  }
  ~TwoProcesses() {
    links_.reset();  // the other process ends when it sees that
    if (pipe_ != nullptr) pclose(pipe_);
  }
  std::string raw_address() const { return Concat("127.0.0.1:", raw_port_); }

  // Sends so many rows to the tasks of a stage, and returns the seconds until all are slices there.
  StatusOr<double> Exchange(StageId stage, const std::vector<Slice>& slices, uint64_t rows) {
    LinkSender sender(links_.get());
    const Nanos start = RealClock().MonotonicNanos();
    TRIDENT_ASSIGN_OR_RETURN(const uint64_t sent, SendAll(stage, slices, rows, sender, [&] {
                               while (links_->QueuedBytes(kThere) > kWaitingBytesMax) {
                                 std::this_thread::sleep_for(kLookEvery);
                               }
                             }));
    MutexLock lock(mutex_);
    while (!answer_ && broken_.ok()) heard_.Wait(mutex_);
    TRIDENT_RETURN_IF_ERROR(broken_);
    const Nanos took = RealClock().MonotonicNanos() - start;
    const uint64_t got = answer_->checksum;
    answer_.reset();
    if (got != sent) return Internal("exchange: ", got, " of ", sent, " rows came");
    return static_cast<double>(took) / kSecond;
  }

  // Runs a batch through an exchange; returns how many rows it had.
  static StatusOr<uint64_t> SendAll(StageId stage, const std::vector<Slice>& slices, uint64_t rows,
                                    FrameSender& sender, const std::function<void()>& await_room) {
    ExchangeWriter writer({0, stage, TasksOf(stage), ByFieldsPartitioner({"key"}, 256)},
                          {StageId(0), 0}, &sender);
    BatchContext context;
    context.id = {GroupId(1), TxId(1), {Epoch(1), 1}};
    static_cast<Operator&>(writer).Begin(context);
    NoOutput nowhere;
    uint64_t sent = 0;
    for (size_t i = 0; sent < rows; ++i) {
      const Slice& slice = slices[i % slices.size()];
      TRIDENT_RETURN_IF_ERROR(writer.Process(slice, nowhere));
      sent += slice.rows();
      await_room();
    }
    TRIDENT_RETURN_IF_ERROR(writer.Finish(nowhere));
    return sent;
  }

 private:
  TwoProcesses() = default;

  Status Open() {
    PeerLinks::Options options = LinkOptions(kHere);
    options.deliver = [this](const DataMessage& message) {
      MutexLock lock(mutex_);
      answer_ = std::get<EndMarker>(message);
      heard_.NotifyAll();
      return absl::OkStatus();
    };
    options.on_broken = [this](WorkerId, const Status& status) {
      MutexLock lock(mutex_);
      broken_ = status;
      heard_.NotifyAll();
    };
    TRIDENT_ASSIGN_OR_RETURN(links_, PeerLinks::Start(std::move(options)));
    const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
    const std::string command = Concat("exec '", program, "' --exchange-port ", links_->port());
    pipe_ = popen(command.c_str(), "r");
    if (pipe_ == nullptr) return Unavailable("exchange: cannot start ", program);
    int port = 0;
    if (std::fscanf(pipe_, "%d %d", &port, &raw_port_) != 2) {
      return Unavailable("exchange: the other process says no ports");
    }
    links_->Connect(kThere, Concat("127.0.0.1:", port));
    return absl::OkStatus();
  }

  FILE* pipe_ = nullptr;
  int raw_port_ = 0;
  Mutex mutex_;
  CondVar heard_;
  std::optional<EndMarker> answer_ TRIDENT_GUARDED_BY(mutex_);
  Status broken_ TRIDENT_GUARDED_BY(mutex_);
  std::unique_ptr<PeerLinks> links_;
};

StatusOr<int> TakeRows(int port) {
  ReturnLargeBuffers();
  Mailbox mailbox;
  PeerLinks::Options options = LinkOptions(kThere);
  options.deliver = [&](DataMessage message) {
    mailbox.Put(std::move(message));
    return absl::OkStatus();
  };
  options.on_broken = [&](WorkerId, const Status&) { mailbox.Interrupt(); };
  TRIDENT_ASSIGN_OR_RETURN(const std::unique_ptr<PeerLinks> links,
                           PeerLinks::Start(std::move(options)));
  links->Connect(kHere, Concat("127.0.0.1:", port));
  const DroppingServer raw;
  std::printf("%d %d\n", int{links->port()}, raw.port());
  std::fflush(stdout);
  Taker(&mailbox).Run(*links);
  return 0;
}

}  // namespace

int RunExchangeChild(int port) {
  const StatusOr<int> code = TakeRows(port);
  if (!code.ok()) std::fprintf(stderr, "bench: %s\n", code.status().ToString().c_str());
  return code.ok() ? *code : 1;
}

Status Exchange(const Bench& bench) {
  ReturnLargeBuffers();
  Rng rng(1);
  std::vector<Slice> slices;
  while (slices.size() < kSlices) slices.push_back(MakeSlice(rng));
  const uint64_t rows = bench.settings().Scaled(kRows);
  TRIDENT_ASSIGN_OR_RETURN(const auto processes, TwoProcesses::Start());
  RawStream raw(processes->raw_address());
  for (uint32_t stage = 1; stage <= kTasks.size(); ++stage) {
    BundleKeeper keeper;
    LinkSender sender(&keeper);
    TRIDENT_RETURN_IF_ERROR(
        TwoProcesses::SendAll(StageId(stage), slices, rows, sender, [] {}).status());
    keeper.Keep();
    double megabytes = 0;
    for (const std::string& bundle : keeper.bundles) {
      megabytes += static_cast<double>(bundle.size()) / 1e6;
    }
    const auto speed = [&](const StatusOr<double>& seconds) -> StatusOr<std::vector<double>> {
      TRIDENT_RETURN_IF_ERROR(seconds.status());
      return std::vector<double>{megabytes / *seconds};
    };
    TRIDENT_ASSIGN_OR_RETURN(
        const auto samples,
        bench.InTurn({[&] { return speed(raw.SendAll(keeper.bundles)); },
                      [&] { return speed(processes->Exchange(StageId(stage), slices, rows)); }}));
    bench.Add({.metric = Concat(TasksOf(StageId(stage)), " tasks, of the bytes over a raw stream"),
               .value = samples[1][0],
               .unit = "MB/s",
               .baseline = samples[0][0],
               .goal = Goal::RatioAtLeast(0.6)});
  }
  return absl::OkStatus();
}

}  // namespace trident::bench
