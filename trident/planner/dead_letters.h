// SPDX-License-Identifier: Apache-2.0
//
// Dead letters: rows that no attempt could process, kept in states of their own with the reason,
// by the same decision that commits the rest of their batch. Every batch group has two, "dead-
// letters" and "dead-letter-rows" (of the first group), or these with "-" and the group's number.
//
//   key    stream (text), txid (int64), row (int64)
//   value  "<row> <- <cause>"; in the other one the row itself (engine/diverted_rows.h), if it can
//          be tried again
//
// `row` counts the letters of a stream in a txid, from 0; of several spout tasks, task i of n
// counts i, i + n, i + 2n and so on. Nothing is lost: a row is in the topology's states or here,
// exactly once. What people ask to be done with letters comes through engine/letter_requests.h; a
// letter that is tried again and fails again keeps its key.
#ifndef TRIDENT_TRIDENT_PLANNER_DEAD_LETTERS_H_
#define TRIDENT_TRIDENT_PLANNER_DEAD_LETTERS_H_

#include <array>
#include <memory>
#include <string>

#include "engine/chain.h"
#include "engine/exchange_writer.h"
#include "trident/plan/state_declaration.h"

namespace trident {

// The states of a group.
struct DeadLetterState {
  std::shared_ptr<MapDeclaration<std::string>> letters;
  std::shared_ptr<MapDeclaration<OwnedBytes>> rows;
};

DeadLetterState DeclareDeadLetters(GroupId group);

// The key of a letter in both states.
std::string DeadLetterKey(std::string_view stream, int64_t txid, int64_t row);

// The task of a spout from which letters come.
struct LetterOrigin {
  std::string stream;
  uint32_t task = 0;
  uint32_t tasks = 1;
};

// The operator at a spout's divert port: attaches the keys. It emits slices of LetterSchema.
SchemaRef LetterSchema();
std::unique_ptr<Operator> MakeDivertOperator(LetterOrigin origin);

// The slots of the one task that keeps the letters, one a state (see OperatorSite).
using LetterSlots = std::array<std::shared_ptr<std::shared_ptr<void>>, 2>;

// The chain of that task. `ports` spout stages send to it.
std::unique_ptr<Chain> MakeDeadLetterChain(const DeadLetterState& state, size_t ports,
                                           const LetterSlots& slots);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_PLANNER_DEAD_LETTERS_H_
