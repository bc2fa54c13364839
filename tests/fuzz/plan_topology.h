// SPDX-License-Identifier: Apache-2.0
//
// Topologies out of any bytes, made as a program makes them: through the public calls of trident/.
// Most steps fit their stream, so that long plans come out; some name fields that are not there,
// names that are taken, numbers that cannot be.
#ifndef TRIDENT_TESTS_FUZZ_PLAN_TOPOLOGY_H_
#define TRIDENT_TESTS_FUZZ_PLAN_TOPOLOGY_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "trident/topology.h"

namespace trident {

// Decisions, from bytes; when they have been used up, each is the first choice.
class Choices {
 public:
  explicit Choices(std::string_view bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  uint8_t Byte();
  // Less than `n`, which is at most 256.
  size_t Below(size_t n) { return Byte() % n; }
  // True for one byte in `n`, and not when there are none left.
  bool OneIn(size_t n) { return Below(n) == n - 1; }
  template <class T, size_t N>
  const T& Of(const std::array<T, N>& options) {
    return options[Below(N)];
  }

 private:
  std::string_view bytes_;
};

// The same bytes make the same topologies. There are two, because a program may mix up theirs.
class PlanTopology {
 public:
  explicit PlanTopology(std::string_view bytes);

  const std::vector<Topology>& topologies() const { return topologies_; }
  uint32_t executors() const { return executors_; }

 private:
  using Handle = StateHandle<int64_t>;
  using Number = Field<int64_t>;
  enum class Key : uint8_t { kNone, kNumber, kText };
  struct KeptState {
    Handle handle;
    Key key;
  };
  // What was made of one topology so far.
  struct Made {
    std::vector<Stream> streams;
    std::vector<KeptState> states;
  };

  void AddAnything();
  void AddSource();
  void AddRowStep();
  void AddRepartitioning();
  void AddAggregate();
  void AddState();
  void AddQuery();
  void AddMerge();
  void NameOrWiden();

  Topology& topology() { return topologies_[current_]; }
  // The topology that is worked on; seldom the other one.
  Made& made() { return made_[choices_.OneIn(128) ? 1 - current_ : current_]; }
  // A stream to go on from: the newest, or any.
  Stream AnyStream();
  // The same, but mostly one that has a number.
  Stream AnyNumbers();
  void Keep(const Stream& next) { made_[current_].streams.push_back(next); }
  // A number that the stream has, or any name; and one that it has not, or any.
  Number In(const Stream& stream);
  Number Out(const Stream& stream);
  Field<Text> TextIn(const Stream& stream);
  StateOptions Options();

  Choices choices_;
  uint32_t executors_;
  std::vector<Topology> topologies_;
  std::array<Made, 2> made_;
  size_t current_ = 0;
};

}  // namespace trident

#endif  // TRIDENT_TESTS_FUZZ_PLAN_TOPOLOGY_H_
