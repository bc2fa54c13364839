// SPDX-License-Identifier: Apache-2.0
//
// OutgoingWords: messages of a control stream that wait for the write before them to end.
#ifndef TRIDENT_COORDINATOR_CLUSTER_OUTGOING_WORDS_H_
#define TRIDENT_COORDINATOR_CLUSTER_OUTGOING_WORDS_H_

#include <cstdint>
#include <deque>
#include <string>

namespace trident {

// Not thread-safe.
class OutgoingWords {
 public:
  explicit OutgoingWords(int64_t bytes_max) : bytes_max_(bytes_max) {}

  // False, and nothing is added, when more than `bytes_max` would wait.
  bool Add(std::string message);

  bool empty() const { return waiting_.empty(); }
  int64_t bytes() const { return bytes_; }

  // The next message: the one that has waited longest, joined with those behind it while it stays
  // within kControlSharedBytesMax (see control_codec.h). REQUIRES: !empty().
  std::string Take();

  void Clear();

 private:
  const int64_t bytes_max_;
  std::deque<std::string> waiting_;
  int64_t bytes_ = 0;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLUSTER_OUTGOING_WORDS_H_
