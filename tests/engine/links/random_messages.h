// SPDX-License-Identifier: Apache-2.0
//
// Messages as tasks send them to tasks of other processes, from a seed.
#ifndef TRIDENT_TESTS_ENGINE_LINKS_RANDOM_MESSAGES_H_
#define TRIDENT_TESTS_ENGINE_LINKS_RANDOM_MESSAGES_H_

#include <string>
#include <vector>

#include "base/rng.h"
#include "engine/data/schema.h"
#include "engine/data/slice.h"
#include "engine/frames/slice_payload.h"
#include "engine/transport/message.h"

namespace trident {

// A text and a number.
SchemaRef RowSchema();
Slice RandomRows(Rng& rng, size_t rows);

// All of a message that arrives, with its rows. Equal for messages that say the same.
std::string Described(const DataMessage& message);

// What belongs together: the parts of a frame, or the ends of one sender.
using MessageGroup = std::vector<DataMessage>;

class RandomMessages {
 public:
  // `tasks` of the stages 1 to `stages` get messages, ascending.
  RandomMessages(uint64_t seed, uint32_t stages, std::vector<uint32_t> tasks)
      : rng_(seed), stages_(stages), tasks_(std::move(tasks)) {}

  Rng& rng() { return rng_; }
  // Of any kind.
  MessageGroup Next();
  // Rows for some tasks, all of one frame.
  MessageGroup Frame(size_t rows);
  // For all tasks of a stage; most of them got nothing.
  MessageGroup Ends();

 private:
  BatchId AnyId();
  DataFrame Part(const DataFrame& like, uint32_t task, uint64_t first, uint64_t rows);

  Rng rng_;
  const uint32_t stages_;
  const std::vector<uint32_t> tasks_;
};

}  // namespace trident

#endif  // TRIDENT_TESTS_ENGINE_LINKS_RANDOM_MESSAGES_H_
