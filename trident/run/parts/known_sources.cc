// SPDX-License-Identifier: Apache-2.0
#include "trident/run/parts/known_sources.h"

#include <utility>

#include "base/guard.h"
#include "base/letter_partition.h"
#include "base/position_form.h"
#include "engine/spout.h"
#include "state/disk/store_identity.h"

namespace trident {
namespace {

// So many names are said of each list.
constexpr size_t kNamesSaid = 3;

std::string Some(const std::vector<std::string>& names) {
  std::string out;
  for (size_t i = 0; i < names.size() && i < kNamesSaid; ++i) {
    out += Concat(i == 0 ? "" : ", ", names[i]);
  }
  if (names.size() > kNamesSaid) out += Concat(" and ", names.size() - kNamesSaid, " more");
  return out;
}

// Also of a partition that the spout does not read any more: another spout may have read it.
Status CheckForm(const PositionForm& form, const SourcePosition& at) {
  if (Fits(form, at.position)) return absl::OkStatus();
  return DataLoss("source partition \"", at.partition, "\" has the position \"", at.position,
                  "\", expected ", ToString(form));
}

std::string Partitions(size_t n) {
  return Concat(n, n == 1 ? " source partition" : " source partitions");
}

}  // namespace

std::vector<SourcePosition> PositionsOf(const Plan& plan, const KnownStream& stream) {
  std::vector<SourcePosition> positions;
  const SpoutId spout = plan.spouts.at(stream.node);
  for (SpoutPosition& one : stream.log.Recover(plan.groups.at(stream.node), Epoch()).positions) {
    const bool is_of_source = one.spout == spout && one.at.partition != kLetterPartition;
    if (is_of_source) positions.push_back(std::move(one.at));
  }
  return positions;
}

Status JudgePosition(const Plan& plan, const KnownStream& stream, const SourcePosition& at) {
  const LogicalNode& node = plan.logical->node(stream.node);
  const Status fits = Guarded("CheckPosition", [&]() -> Status {
    TRIDENT_RETURN_IF_ERROR(node.spout->CheckPosition(at.partition, at.position));
    return CheckForm(node.spout->positions(), at);
  });
  if (fits.ok()) return fits;
  const std::string sources = Concat("`trident sources ", stream.store.Where());
  const std::string of = Concat(" ", node.name, " ", at.partition);
  const auto by_hand = stream.log.SetByHandAfter(plan.groups.at(stream.node),
                                                 plan.spouts.at(stream.node), at.partition);
  if (by_hand) {
    return FailedPrecondition("stream '", node.name, "': ", Message(fits),
                              "; it was set by hand after txid ", by_hand->value(),
                              ". Set another one: ", sources, " set", of,
                              " POSITION`. Or let it begin anew: ", sources, " forget", of, "`");
  }
  return FailedPrecondition("stream '", node.name, "': ", Message(fits),
                            "; was this state written with another spout? Declare that one again, "
                            "or let the partition begin anew: ",
                            sources, " forget", of, "`");
}

Status JudgePositions(const Plan& plan, const DurableStore& store, const DecisionLog& log) {
  TRIDENT_ASSIGN_OR_RETURN(const StoreIdentity identity, ReadIdentity(store));
  // Whoever opens the states refuses it.
  if (identity.owner && identity.owner->topology != plan.logical->topology()) return {};
  for (const auto& [node, spout] : plan.spouts) {
    const KnownStream stream{store, log, node};
    for (const SourcePosition& at : PositionsOf(plan, stream)) {
      TRIDENT_RETURN_IF_ERROR(JudgePosition(plan, stream, at));
    }
  }
  return absl::OkStatus();
}

std::string SourcesThatChanged(const std::string& stream, const std::vector<SourcePosition>& known,
                               const std::set<std::string>& read) {
  std::set<std::string> added = read;
  std::vector<std::string> left;
  for (const SourcePosition& at : known) {
    if (added.erase(at.partition) == 0) left.push_back(at.partition);
  }
  if (known.empty() || (left.empty() && added.empty())) return "";
  std::string out = Concat("stream '", stream, "' ");
  if (!left.empty()) {
    out +=
        Concat("does not read ", Partitions(left.size()), " that it has read before: ", Some(left),
               "; each goes on where it stood if it comes back");
  }
  if (!added.empty()) {
    const std::vector<std::string> names(added.begin(), added.end());
    out += Concat(left.empty() ? "has " : ". It has ", Partitions(names.size()),
                  " that it has not read before: ", Some(names));
  }
  return out;
}

}  // namespace trident
