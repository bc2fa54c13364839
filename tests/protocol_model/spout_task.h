// SPDX-License-Identifier: Apache-2.0
//
// A simulated spout task: reads its source partitions, remembers what it answered, and refuses what
// was asked of another life. Rows of an opaque spout differ with every read.
#ifndef TRIDENT_TESTS_PROTOCOL_MODEL_SPOUT_TASK_H_
#define TRIDENT_TESTS_PROTOCOL_MODEL_SPOUT_TASK_H_

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "coordinator/protocol/batch_protocol_actions.h"
#include "coordinator/protocol/batch_protocol_events.h"
#include "tests/protocol_model/oracle.h"
#include "tests/protocol_model/timeline.h"

namespace trident::model {

// Where spout tasks live.
class SpoutSurroundings {
 public:
  virtual ~SpoutSurroundings() = default;
  virtual const Options& options() const = 0;
  virtual Timeline& time() = 0;
  virtual Oracle& oracle() = 0;
  // To the leader, and by chance to a zombie too.
  virtual void SendToCoordinators(BatchEvent event) = 0;
  // To every worker.
  virtual void SendData(const BatchId& id, EmitterId from,
                        std::shared_ptr<const Emission> emission) = 0;
};

class SpoutTask {
 public:
  // `sources` are the numbers of its source partitions in the whole history.
  SpoutTask(SpoutSurroundings& world, EmitterId id, SpoutKind kind, std::vector<uint32_t> sources);

  // A new life. The one before goes on as a zombie, which answers only what was asked of it, or
  // ends.
  enum class Predecessor { kEnds, kZombie };
  void Start(Predecessor predecessor);
  void Crash();
  void OnEmit(const word::Emit& emit);
  // Says that it lives and whether there is input. Called now and then.
  void Announce();

  EmitterId id() const { return id_; }
  Incarnation incarnation() const { return Incarnation(lives_made_); }
  const std::vector<uint32_t>& sources() const { return sources_; }

 private:
  struct Answer {
    word::Emitted emitted;
    std::shared_ptr<const Emission> emission;
  };
  struct Life {
    Incarnation incarnation;
    std::map<std::pair<TxId, Attempt>, Answer> answers;
  };
  struct Taken {
    uint64_t end = 0;
    std::vector<Row> rows;
  };

  void AnswerTo(Life& life, const word::Emit& emit);
  Emission Read(const word::Emit& emit) const;
  // Reads rows of [start, end), at most `rows` of them.
  Taken Take(uint32_t source, uint64_t start, uint64_t end, uint64_t rows, bool divert) const;
  void Add(Emission& emission, uint32_t source, uint64_t start, Taken taken) const;
  uint64_t Available(uint32_t source) const;
  bool HasMore(const word::Emit& emit, const Emission& emission) const;

  SpoutSurroundings& world_;
  const EmitterId id_;
  const SpoutKind kind_;
  const std::vector<uint32_t> sources_;
  uint64_t lives_made_ = 0;
  std::vector<Life> lives_;  // the last one is the real one, if up_
  bool up_ = false;
};

// "s3", and "" or a number for a position: as the protocol sees them.
std::string SourceName(uint32_t source);
std::string PositionOf(uint64_t index);
uint64_t IndexOf(const std::string& position);

}  // namespace trident::model

#endif  // TRIDENT_TESTS_PROTOCOL_MODEL_SPOUT_TASK_H_
