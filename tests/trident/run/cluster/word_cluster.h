// SPDX-License-Identifier: Apache-2.0
//
// A word count over several workers with real stores, links and threads; each worker stands for a
// process of its own.
#ifndef TRIDENT_TESTS_TRIDENT_RUN_CLUSTER_WORD_CLUSTER_H_
#define TRIDENT_TESTS_TRIDENT_RUN_CLUSTER_WORD_CLUSTER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/temp_dir.h"
#include "trident/run/cluster/cluster_run.h"

namespace trident {

inline constexpr GroupId kWordGroup{1};

// What each word is counted to when all of the input is.
std::map<std::string, int64_t> ExpectedCounts(uint64_t rows);

// Counts words in the state "counts", has a text with a dot for each in the state "dots", values of
// the program's own in "tallies", and the number of all in "total", which has one key. Answers
// look("w1,w2") from the first two, tally("w1,w2") from the third.
class WordCluster {
 public:
  enum class AtEnd : uint8_t { kEnds, kServes };
  // `rows` in each of a few source partitions.
  WordCluster(uint32_t workers, uint64_t rows, AtEnd at_end = AtEnd::kEnds);

  // What processes that start from now on show each other.
  void UseTls(const std::optional<TlsFiles>& files) { tls_ = files; }
  void Start(uint32_t worker);
  // Starts a worker's process that is not one of this cluster's, in its directory.
  struct Other {
    std::string address;
    uint32_t workers = 2;
    std::string dir = {};  // "": that of the worker
  };
  StatusOr<std::unique_ptr<ClusterRun>> TryStart(uint32_t worker, const Other& other);
  void End(uint32_t worker) { processes_[worker].reset(); }
  ClusterRun& process(uint32_t worker) { return *processes_[worker]; }
  std::string DirOf(uint32_t worker) const { return dir_.path() + Concat("/worker", worker); }
  uint32_t workers() const { return static_cast<uint32_t>(processes_.size()); }

  // The counts over all workers, each asked for its own, once all of it is visible everywhere.
  std::map<std::string, int64_t> Counts();
  // Waits until the leader has decided so many batches more.
  void AwaitBatches(uint64_t batches);
  // Waits until all of the input is counted, and seen by every worker.
  void AwaitAll();

 private:
  RunOptions OptionsOf(uint32_t worker) const;
  ClusterOptions ClusterOptionsOf(uint32_t worker) const;

  const uint64_t rows_;
  const AtEnd at_end_;
  TempDir dir_;
  std::optional<TlsFiles> tls_;
  std::string control_address_;
  std::vector<std::unique_ptr<ClusterRun>> processes_;
};

// The words of a state's keys.
std::string WordOfKey(std::string_view key);
std::string KeyOfWord(std::string_view word);
int64_t CountOf(std::string_view value);

}  // namespace trident

#endif  // TRIDENT_TESTS_TRIDENT_RUN_CLUSTER_WORD_CLUSTER_H_
