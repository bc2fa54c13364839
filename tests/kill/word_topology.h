// SPDX-License-Identifier: Apache-2.0
//
// What the killed program runs and the test reads back: words of a file into two states, by one
// decision.
#ifndef TRIDENT_TESTS_KILL_WORD_TOPOLOGY_H_
#define TRIDENT_TESTS_KILL_WORD_TOPOLOGY_H_

#include <string>

#include "base/limits.h"
#include "trident/run/run.h"
#include "trident/spouts/text_file_spout.h"
#include "trident/topology.h"

namespace trident {

inline Topology WordTopology(const std::string& input, StateKind kind) {
  constexpr Field<Text> kWord{"word"};
  constexpr Field<int64_t> kLength{"length"};
  constexpr Field<int64_t> kCount{"count"};
  constexpr Field<int64_t> kLetters{"letters"};
  TextFileOptions files;
  files.paths = {input};
  files.splits.split_bytes = 4096;
  files.splits.readers = 3;
  Topology topology("kill");
  auto words = topology.NewStream("lines", TextFileSpout::Make(files))
                   .Each(
                       kLine,
                       [](Text line, Emit<Text, int64_t>& emit) {
                         while (!line.empty()) {
                           Text word = line.substr(0, line.find(' '));
                           emit(word, static_cast<int64_t>(word.size()));
                           line.remove_prefix(std::min(line.size(), word.size() + 1));
                         }
                       },
                       Fields(kWord, kLength));
  words.GroupBy(kWord).PersistentAggregate({.name = "counts", .kind = kind}, Count(), kCount);
  words.PersistentAggregate({.name = "letters", .kind = kind}, kLength, Sum(), kLetters);
  return topology;
}

inline RunOptions KillRunOptions(const std::string& dir) {
  RunOptions options;
  options.state_dir = dir;
  options.executors = 2;
  options.batch_rows = 25;
  options.memory_bytes = kMemoryBytesMin;
  options.sync = CommitSync::kNone;  // a kill keeps what the kernel has
  return options;
}

}  // namespace trident

#endif  // TRIDENT_TESTS_KILL_WORD_TOPOLOGY_H_
