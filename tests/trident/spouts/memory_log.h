// SPDX-License-Identifier: Apache-2.0
//
// A log in memory that can be appended to, trimmed and made to fail, and the source that reads it.
#ifndef TRIDENT_TESTS_TRIDENT_SPOUTS_MEMORY_LOG_H_
#define TRIDENT_TESTS_TRIDENT_SPOUTS_MEMORY_LOG_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "tests/trident/spouts/reading.h"
#include "trident/spouts/log_spout.h"

namespace trident::testing {

// Thread-safe. Offsets count from 0 and go on when rows are removed at the front.
class MemoryLog {
 public:
  struct Record {
    std::string text;  // "" is no row
    enum class Then { kGoOn, kCut } then = Then::kGoOn;
  };

  void Append(const std::string& partition, Record record) {
    std::vector<std::function<void()>> wake_ups;
    {
      MutexLock lock(mutex_);
      partitions_[partition].records.push_back(std::move(record));
      wake_ups = wake_ups_;
    }
    for (const auto& wake_up : wake_ups) wake_up();
  }
  void Fill(const std::string& partition, const std::vector<std::string>& texts) {
    for (const std::string& text : texts) Append(partition, {text});
  }
  void Finish() {
    MutexLock lock(mutex_);
    finished_ = true;
  }
  // Removes what is before `first`.
  void Trim(const std::string& partition, int64_t first) {
    MutexLock lock(mutex_);
    partitions_[partition].first = first;
  }
  void AddWakeUp(std::function<void()> wake_up) {
    MutexLock lock(mutex_);
    wake_ups_.push_back(std::move(wake_up));
  }

  std::vector<std::string> names() const {
    MutexLock lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, partition] : partitions_) names.push_back(name);
    return names;
  }
  int64_t first(const std::string& partition) const {
    MutexLock lock(mutex_);
    return partitions_.at(partition).first;
  }
  int64_t end(const std::string& partition) const {
    MutexLock lock(mutex_);
    return static_cast<int64_t>(partitions_.at(partition).records.size());
  }
  bool finished() const {
    MutexLock lock(mutex_);
    return finished_;
  }
  Record At(const std::string& partition, int64_t offset) const {
    MutexLock lock(mutex_);
    return partitions_.at(partition).records.at(static_cast<size_t>(offset));
  }
  // The rows from `offset` on.
  std::vector<std::string> RowsFrom(const std::string& partition, int64_t offset) const {
    std::vector<std::string> rows;
    for (; offset < end(partition); ++offset) {
      const std::string text = At(partition, offset).text;
      if (!text.empty()) rows.push_back(text);
    }
    return rows;
  }

 private:
  struct Partition {
    std::vector<Record> records;
    int64_t first = 0;
  };
  mutable Mutex mutex_;
  std::map<std::string, Partition> partitions_ TRIDENT_GUARDED_BY(mutex_);
  std::vector<std::function<void()>> wake_ups_ TRIDENT_GUARDED_BY(mutex_);
  bool finished_ TRIDENT_GUARDED_BY(mutex_) = false;
};

// Reads a MemoryLog as it is. `before_next`, if set, is called before each step with the offset: it
// may throw, and what it returns is put behind the text of the row.
class MemoryLogSource final : public LogSource<int64_t, Text> {
 public:
  using BeforeNext = std::function<std::string(int64_t offset)>;

  explicit MemoryLogSource(std::shared_ptr<MemoryLog> log, BeforeNext before_next = nullptr)
      : log_(std::move(log)), before_next_(std::move(before_next)) {}

  StatusOr<std::vector<std::string>> Partitions() override { return log_->names(); }
  StatusOr<std::unique_ptr<Reader>> Open(const std::string& partition, WakeUp wake_up) override {
    log_->AddWakeUp(std::move(wake_up));
    return std::make_unique<PartitionReader>(*this, partition);
  }
  Backlog BacklogAfter(const std::string& partition, const int64_t& at) override {
    return Backlog::Rows(static_cast<uint64_t>(log_->end(partition) - at));
  }

  // What the readers of it have been asked to do.
  uint64_t seeks() const { return seeks_; }
  std::vector<std::pair<TxId, int64_t>> committed() const {
    MutexLock lock(mutex_);
    return committed_;
  }

 private:
  class PartitionReader final : public Reader {
   public:
    PartitionReader(MemoryLogSource& source, std::string partition)
        : source_(source), partition_(std::move(partition)) {}
    Status Seek(const int64_t& at) override {
      ++source_.seeks_;
      if (at < log().first(partition_)) return LogRowsRemoved(at, log().first(partition_));
      if (at > log().end(partition_)) return NotFound("the log ends before");
      at_ = at;
      return absl::OkStatus();
    }
    StatusOr<Step> Next(Emit<Text>& emit) override {
      const std::string more = source_.before_next_ ? source_.before_next_(at_) : "";
      if (at_ == log().end(partition_)) return log().finished() ? Step::Ended() : Step::Idle();
      const MemoryLog::Record record = log().At(partition_, at_++);
      if (!record.text.empty()) emit(record.text + more);
      return record.then == MemoryLog::Record::Then::kCut ? Step::CutAt(at_) : Step::MovedTo(at_);
    }
    void Committed(TxId txid, const int64_t& at) override {
      MutexLock lock(source_.mutex_);
      source_.committed_.emplace_back(txid, at);
    }

   private:
    const MemoryLog& log() const { return *source_.log_; }

    MemoryLogSource& source_;
    const std::string partition_;
    int64_t at_ = -1;
  };

  const std::shared_ptr<MemoryLog> log_;
  const BeforeNext before_next_;
  std::atomic<uint64_t> seeks_ = 0;
  mutable Mutex mutex_;
  std::vector<std::pair<TxId, int64_t>> committed_ TRIDENT_GUARDED_BY(mutex_);
};

inline std::shared_ptr<MemoryLog> LogOf(const std::vector<std::string>& texts) {
  auto log = std::make_shared<MemoryLog>();
  log->Fill("p", texts);
  return log;
}

// A spout over a log, and a reader of its source partition "p".
struct Opened {
  explicit Opened(const std::shared_ptr<MemoryLog>& log, LogOptions options = {},
                  MemoryLogSource::BeforeNext before_next = nullptr)
      : source(std::make_shared<MemoryLogSource>(log, std::move(before_next))),
        spout(*LogSpout::Make(Fields(Field<Text>{"text"}), std::move(options), source)),
        reader(OpenReader(*spout, "p")) {}
  std::shared_ptr<MemoryLogSource> source;
  std::shared_ptr<Spout> spout;
  std::unique_ptr<SourceReader> reader;
};

}  // namespace trident::testing

#endif  // TRIDENT_TESTS_TRIDENT_SPOUTS_MEMORY_LOG_H_
