// SPDX-License-Identifier: Apache-2.0
//
// Drives one BatchProtocol by hand and shows what it asks for as text, so that a test reads like a
// trace: a step's actions are joined by "; ", timers are left out.
#ifndef TRIDENT_TESTS_COORDINATOR_PROTOCOL_BATCH_PROTOCOL_HARNESS_H_
#define TRIDENT_TESTS_COORDINATOR_PROTOCOL_BATCH_PROTOCOL_HARNESS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "coordinator/protocol/batch_protocol.h"

namespace trident {

// "begin 2:5.1 after 5.1 [0/0]", "emit 2:5.1 0/0 new 10 rows from p@7", "permit 2:5.1", "decide
// 2:5.1 3:5.1", "apply 2:5.1", "abort 2:5.1 3:5.1", "stale voted 2:5.1 now 5.2", "halt: ...", "log
// cut 2:5.1 [...]", "drained 7", "timer 12".
std::string ToText(const BatchAction& action);
std::string ToText(const SourceRange& range);  // "0/0 p[0,10)"

constexpr GroupId kGroup(7);  // of the harness

class ProtocolHarness {
 public:
  // One transactional spout with one task, two workers, epoch 5, limits of 100 rows, no age, delays
  // of 10 ms and up, a deadline of one second; change before Start.
  ProtocolHarness();

  GroupConfig config;
  Recovered recovered;
  uint64_t rows_aside = 0;  // of the next Emitted; all, where rows are to be diverted

  // Makes the protocol, starts all emitters and joins all workers, each in life 1. The first batch
  // is asked of all emitters.
  std::string Start();
  std::string Step(const BatchEvent& event);

  // Short forms for the current attempt of a txid.
  std::string Emitted(uint64_t txid, std::vector<SourceRange> ranges,
                      word::Remaining remaining = word::Remaining::kExhausted);
  // The range of one partition of emitter 0/0 with one row a position: [start, end).
  std::string Emitted(uint64_t txid, uint64_t start, uint64_t end,
                      word::Remaining remaining = word::Remaining::kExhausted);
  std::string Voted(uint64_t txid, uint32_t worker);
  std::string VotedByAll(uint64_t txid);
  // Of emitter 0/0, which cannot read, while the batch is emitted; later of a task.
  std::string Failed(uint64_t txid, const std::string& why = "it broke");
  std::string CutLogged(uint64_t txid);
  std::string Written(uint64_t first, uint64_t last);
  std::string Applied(uint64_t txid, uint32_t worker, uint64_t life = 1);
  std::string AppliedByAll(uint64_t txid);
  std::string InputReady(EmitterId emitter = {});
  std::string Hold(uint32_t worker, uint64_t life = 1);
  std::string Release(uint32_t worker, uint64_t life = 1);
  std::string At(Nanos now);  // a Tick
  // Ticks at the time that the protocol asked for last, twice: the first starts its countdowns.
  std::string AfterTheDelay();
  // From emitted to applied by all.
  std::string Commit(uint64_t txid);

  Attempt attempt(uint64_t txid) const;
  GroupStatus status() const { return protocol_->status(); }
  const std::vector<BatchAction>& actions() const { return actions_; }  // of the last step
  std::optional<Nanos> timer() const { return timer_; }
  BatchProtocol& protocol() { return *protocol_; }

 private:
  std::unique_ptr<BatchProtocol> protocol_;
  std::vector<BatchAction> actions_;
  std::optional<Nanos> timer_;
  word::EmitMode mode_ = word::EmitMode::kNew;  // of the last Emit
  Nanos now_ = 0;
};

SourceRange Range(EmitterId emitter, const std::string& partition, uint64_t start, uint64_t end);

}  // namespace trident

#endif  // TRIDENT_TESTS_COORDINATOR_PROTOCOL_BATCH_PROTOCOL_HARNESS_H_
