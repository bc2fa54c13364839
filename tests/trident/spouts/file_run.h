// SPDX-License-Identifier: Apache-2.0
//
// Runs a text spout over a state, as a topology does that is stopped and started.
#ifndef TRIDENT_TESTS_TRIDENT_SPOUTS_FILE_RUN_H_
#define TRIDENT_TESTS_TRIDENT_SPOUTS_FILE_RUN_H_

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/trident/spouts/text_files.h"

namespace trident::testing {

using Lines = std::vector<std::string>;

// A run of a topology, without one: reads everything that there is and commits it at once.
class FileRun {
 public:
  using State = std::map<std::string, Position>;
  FileRun(TextFileOptions options, State* state)
      : spout_(SpoutOf(std::move(options))), state_(*state) {
    std::vector<SourcePosition> committed;
    for (const auto& [partition, position] : state_) committed.push_back({partition, position});
    status_ = spout_->Resume(committed);
    const auto listed = spout_->Partitions();
    if (!listed.ok()) status_ = listed.status();
    if (!status_.ok()) return;
    for (const std::string& partition : *listed) Open(partition);
    told_ = spout_->TellOfPartitions([] {});
  }
  const Status& status() const { return status_; }
  // What came since the last call.
  Lines Read() {
    Lines got;
    if (!status_.ok()) return got;
    for (const std::string& later : spout_->PartitionsAfter(readers_.size()).names) Open(later);
    for (auto& [partition, reader] : readers_) {
      const ReadBatch read = ReadUntilPause(*reader, state_[partition], kNoLimits);
      if (!read.status.ok()) status_ = read.status;
      got.insert(got.end(), read.rows.begin(), read.rows.end());
      if (read.end.empty()) continue;
      state_[partition] = read.end;
    }
    return got;
  }
  // Waits until so many partitions were found, and reads nothing.
  void AwaitFound(size_t n) { AwaitPartitions(*spout_, 0, n); }
  // Reads until so many lines came, and then once more.
  Lines Await(size_t n) {
    Lines got;
    for (int i = 0; i < 10'000 && got.size() < n && status_.ok(); ++i) {
      const Lines more = Read();
      got.insert(got.end(), more.begin(), more.end());
      if (got.size() < n) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    const Lines more = Read();
    got.insert(got.end(), more.begin(), more.end());
    std::sort(got.begin(), got.end());
    return got;
  }

 private:
  void Open(const std::string& partition) {
    readers_.emplace_back(partition, OpenReader(*spout_, partition));
  }
  const std::shared_ptr<Spout> spout_;
  State& state_;
  Status status_;
  std::vector<std::pair<std::string, std::unique_ptr<SourceReader>>> readers_;
  std::shared_ptr<const void> told_;
};

}  // namespace trident::testing

#endif  // TRIDENT_TESTS_TRIDENT_SPOUTS_FILE_RUN_H_
