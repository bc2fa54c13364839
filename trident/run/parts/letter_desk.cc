// SPDX-License-Identifier: Apache-2.0
#include "trident/run/parts/letter_desk.h"

#include "base/hash.h"

namespace trident {
namespace {

using Now = LetterStanding::Now;

constexpr char kStops[] =
    "this run stops at a row that fails, and works with no dead letters; start it with "
    "--on-failure dead-letter";
constexpr char kRepeatsCuts[] =
    "the batch group has a transactional state of the program's own, so that its batches must come "
    "again row for row after a crash, and a request about a letter does not outlive the process";

LetterStanding Refused(const Status& why) {
  return {why.code() == StatusCode::kResourceExhausted ? Now::kNoRoom : Now::kRefused,
          std::string(Message(why))};
}

}  // namespace

LetterDesk::LetterDesk(Parts parts) : parts_(std::move(parts)) {
  for (const StageSpec& stage : parts_.stages) {
    if (stage.letters == nullptr) continue;
    streams_[stage.stream] = {stage.group, stage.spout->schema(), stage.letters};
  }
}

std::vector<LetterStanding> LetterDesk::Do(LetterAction action,
                                           const std::vector<LetterName>& letters,
                                           const HaltOf& halt_of) const {
  std::vector<LetterStanding> standings;
  for (const LetterName& letter : letters) {
    StatusOr<LetterStanding> standing = DoOne(action, letter, halt_of);
    standings.push_back(standing.ok() ? *std::move(standing) : Refused(standing.status()));
  }
  return standings;
}

StatusOr<LetterStanding> LetterDesk::DoOne(LetterAction action, const LetterName& letter,
                                           const HaltOf& halt_of) const {
  if (parts_.states.empty()) return FailedPrecondition(kStops);
  const std::string key = DeadLetterKey(letter.stream, letter.txid, letter.row);
  TRIDENT_ASSIGN_OR_RETURN(const std::optional<Found> found, Find(letter, key));
  if (!found) return LetterStanding{Now::kGone, ""};
  const GroupId group = found->reader->group;
  TRIDENT_RETURN_IF_ERROR(halt_of(group));
  LetterRequests& requests = *found->reader->requests;
  const auto is_there = [&]() -> StatusOr<bool> {
    TRIDENT_ASSIGN_OR_RETURN(const auto text,
                             ReadNewest(*parts_.states.at(group).letters, group, key));
    return text.has_value();
  };
  if (action == LetterAction::kLook) {
    if (requests.IsUnderWay(key)) return LetterStanding{Now::kUnderWay, ""};
    TRIDENT_ASSIGN_OR_RETURN(const bool there, is_there());
    return LetterStanding{there ? Now::kThere : Now::kGone, ""};
  }
  if (parts_.repeats_cuts.contains(group)) return FailedPrecondition(kRepeatsCuts);
  if (!requests.Reserve(key)) return LetterStanding{Now::kUnderWay, "it is being worked on"};
  StatusOr<bool> there = is_there();
  if (!there.ok() || !*there) {
    requests.Release(key);
    if (!there.ok()) return there.status();
    return LetterStanding{Now::kGone, ""};
  }
  StatusOr<LetterRequest> request = NewRequest(action, *found, letter);
  if (!request.ok()) {
    requests.Release(key);
    return request.status();
  }
  TRIDENT_RETURN_IF_ERROR(requests.Add(*std::move(request)));
  return LetterStanding{Now::kUnderWay, ""};
}

// The letters of a stream that the topology does not have any more can go with the batches of their
// group.
StatusOr<std::optional<LetterDesk::Found>> LetterDesk::Find(const LetterName& letter,
                                                            const std::string& key) const {
  const auto own = streams_.find(letter.stream);
  if (own != streams_.end()) return Found{&own->second, true};
  for (const auto& [name, stream] : streams_) {
    const DeadLetterState& state = parts_.states.at(stream.group);
    TRIDENT_ASSIGN_OR_RETURN(const auto text, ReadNewest(*state.letters, stream.group, key));
    if (text) return Found{&stream, false};
  }
  return std::nullopt;
}

StatusOr<LetterRequest> LetterDesk::NewRequest(LetterAction action, const Found& found,
                                               const LetterName& letter) const {
  const std::string key = DeadLetterKey(letter.stream, letter.txid, letter.row);
  LetterRequest request{.key = key,
                        .row = std::nullopt,
                        .name = Concat(letter.stream, " ", letter.txid, " ", letter.row)};
  if (action == LetterAction::kDrop) return request;
  if (!found.has_own_stream) {
    return FailedPrecondition(
        "this topology does not have the stream of the letter, so its row "
        "has no way into it; declare the stream again, or drop the letter");
  }
  const GroupId group = found.reader->group;
  TRIDENT_ASSIGN_OR_RETURN(auto kept, ReadNewest(*parts_.states.at(group).rows, group, key));
  if (!kept) {
    return FailedPrecondition(
        "the row itself was not kept: its source gave none there, or it is too large, or an older "
        "release put it aside; bring it in by the source, and drop the letter");
  }
  request.bytes = kept->bytes.size();
  TRIDENT_ASSIGN_OR_RETURN(request.row,
                           DecodeKeptRow(std::move(kept->bytes), found.reader->schema));
  return request;
}

template <class V>
StatusOr<std::optional<V>> LetterDesk::ReadNewest(const MapDeclaration<V>& state, GroupId group,
                                                  const std::string& key) {
  TRIDENT_ASSIGN_OR_RETURN(const auto cut, state.PinNewest());
  const HashedKey hashed{key, HashBytes(key)};
  typename MapDeclaration<V>::Values values;
  TRIDENT_RETURN_IF_ERROR(state.Read(cut->At(group), {&hashed, 1}, values));
  return std::move(values.at(0));
}

}  // namespace trident
