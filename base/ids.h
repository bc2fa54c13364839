// SPDX-License-Identifier: Apache-2.0
//
// The strong ids that the whole project speaks in. Two ids of different kinds never compare, add or
// convert; the raw number is had only through value().
#ifndef TRIDENT_BASE_IDS_H_
#define TRIDENT_BASE_IDS_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace trident {

// A number that stands for one kind of thing. `Tag` only tells the kinds apart.
template <class Tag, class Rep>
class NamedId {
 public:
  using rep = Rep;
  constexpr NamedId() = default;
  constexpr explicit NamedId(Rep value) : value_(value) {}
  constexpr Rep value() const { return value_; }
  constexpr NamedId Next() const { return NamedId(value_ + 1); }
  constexpr NamedId Prev() const { return NamedId(value_ - 1); }
  friend constexpr auto operator<=>(NamedId, NamedId) = default;

 private:
  Rep value_ = 0;
};

// Number of a batch within its batch group. Dense; the first batch is 1, and 0 means "before all".
using TxId = NamedId<struct TxIdTag, uint64_t>;
// Grows by one with every start of a coordinator; everything from an older epoch is stale.
using Epoch = NamedId<struct EpochTag, uint64_t>;
// A set of streams whose batches are numbered and committed together.
using GroupId = NamedId<struct GroupIdTag, uint32_t>;
// A part of a stage or of a state.
using PartitionId = NamedId<struct PartitionIdTag, uint32_t>;
using StageId = NamedId<struct StageIdTag, uint32_t>;
using StateId = NamedId<struct StateIdTag, uint32_t>;
using SpoutId = NamedId<struct SpoutIdTag, uint32_t>;
using WorkerId = NamedId<struct WorkerIdTag, uint32_t>;
// Grows by one each time that a spout task or a worker starts anew. Requests carry it, so that a
// later life never takes a request to an earlier one for its own.
using Incarnation = NamedId<struct IncarnationTag, uint64_t>;

// One try at a txid. Never used twice, also not after a coordinator's restart, because the epoch
// grows (rule R2 of docs/commit_rules.md).
struct Attempt {
  Epoch epoch;
  uint32_t counter = 0;

  friend constexpr auto operator<=>(const Attempt&, const Attempt&) = default;
};

// One attempt at one batch of one group. Every message of the data path names one.
struct BatchId {
  GroupId group;
  TxId txid;
  Attempt attempt;

  friend constexpr auto operator<=>(const BatchId&, const BatchId&) = default;
};

inline std::string ToString(TxId t) { return std::to_string(t.value()); }
// "epoch.counter", as messages and logs show it.
inline std::string ToString(const Attempt& a) {
  return std::to_string(a.epoch.value()) + "." + std::to_string(a.counter);
}

}  // namespace trident

template <class Tag, class Rep>
struct std::hash<trident::NamedId<Tag, Rep>> {
  size_t operator()(trident::NamedId<Tag, Rep> id) const noexcept {
    return std::hash<Rep>{}(id.value());
  }
};

#endif  // TRIDENT_BASE_IDS_H_
