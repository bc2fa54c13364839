// SPDX-License-Identifier: Apache-2.0
//
// Dead letters: rows that no attempt could process, kept in a state of their own with the reason,
// by the same decision that commits the rest of their batch. Every batch group has one,
// "dead-letters" (of the first group) or "dead-letters-N".
//
//   key    stream (text), txid (int64), row (int64)
//   value  "<row> <- <cause>"
//
// `row` counts the letters of a stream in a txid, from 0; of several spout tasks, task i of n
// counts i, i + n, i + 2n and so on. Nothing is lost: a row is in the topology's states or here,
// exactly once.
#ifndef TRIDENT_TRIDENT_PLANNER_DEAD_LETTERS_H_
#define TRIDENT_TRIDENT_PLANNER_DEAD_LETTERS_H_

#include <memory>
#include <string>

#include "engine/chain.h"
#include "engine/exchange_writer.h"
#include "trident/plan/state_declaration.h"

namespace trident {

using DeadLetterState = MapDeclaration<std::string>;

std::shared_ptr<DeadLetterState> DeclareDeadLetters(GroupId group);

// The task of a spout from which letters come.
struct LetterOrigin {
  std::string stream;
  uint32_t task = 0;
  uint32_t tasks = 1;
};

// The operator at a spout's divert port: attaches the keys.
std::unique_ptr<Operator> MakeDivertOperator(LetterOrigin origin);

// The chain of the one task that keeps the letters of a group. `ports` spout stages send to it;
// `shared` is the task's slot (see OperatorSite).
std::unique_ptr<Chain> MakeDeadLetterChain(const DeadLetterState& state, size_t ports,
                                           const std::shared_ptr<std::shared_ptr<void>>& shared);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_PLANNER_DEAD_LETTERS_H_
