// SPDX-License-Identifier: Apache-2.0
//
// LetterDesk: where people ask that dead letters of a running topology be tried again or dropped.
// It reads the letter, and puts the request where the letter's stream reads it
// (engine/letter_requests.h).
#ifndef TRIDENT_TRIDENT_RUN_PARTS_LETTER_DESK_H_
#define TRIDENT_TRIDENT_RUN_PARTS_LETTER_DESK_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/serve/topology_control.h"
#include "engine/worker.h"
#include "trident/planner/planner.h"

namespace trident {

// Thread-safe.
class LetterDesk {
 public:
  struct Parts {
    DeadLetterStates states;  // none under OnFailure::kStop
    std::vector<StageSpec> stages;
    std::set<GroupId> repeats_cuts;
  };
  explicit LetterDesk(Parts parts);

  // Why a group stopped for good; ok: it has not.
  using HaltOf = std::function<Status(GroupId)>;
  // What has become of each letter. `halt_of` is asked during the call.
  std::vector<LetterStanding> Do(LetterAction action, const std::vector<LetterName>& letters,
                                 const HaltOf& halt_of) const;

 private:
  // Who reads requests about a letter.
  struct Stream {
    GroupId group;
    SchemaRef schema;
    std::shared_ptr<LetterRequests> requests;
  };
  struct Found {
    const Stream* reader;
    bool has_own_stream;  // which can take its row
  };
  StatusOr<LetterStanding> DoOne(LetterAction action, const LetterName& letter,
                                 const HaltOf& halt_of) const;
  StatusOr<std::optional<Found>> Find(const LetterName& letter, const std::string& key) const;
  StatusOr<LetterRequest> NewRequest(LetterAction action, const Found& found,
                                     const LetterName& letter) const;
  template <class V>
  static StatusOr<std::optional<V>> ReadNewest(const MapDeclaration<V>& state, GroupId group,
                                               const std::string& key);

  const Parts parts_;
  std::map<std::string, Stream> streams_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_PARTS_LETTER_DESK_H_
