// SPDX-License-Identifier: Apache-2.0
//
// Who takes part in a batch group: the emitters that are asked and the workers that vote, each with
// the life (incarnation) in which the protocol knows it. What an older life says has no effect.
#ifndef TRIDENT_COORDINATOR_PROTOCOL_BATCH_PARTIES_H_
#define TRIDENT_COORDINATOR_PROTOCOL_BATCH_PARTIES_H_

#include <cstdint>
#include <vector>

#include "base/ids.h"
#include "coordinator/protocol/batch_protocol_types.h"
#include "engine/transport/words.h"

namespace trident {

// What a report about a party's life means to one who knows it in some life.
enum class LifeNews {
  kStale,  // of an older life, or known
  kNew,
};

struct BatchEmitter {
  EmitterId id;
  uint32_t spout = 0;  // index in the configuration
  SpoutKind kind = SpoutKind::kTransactional;
  Incarnation incarnation;
  bool present = false;
  bool ready = false;  // there may be input
  bool eager = false;  // there is input that has waited: it need not age
  bool asked = false;  // an Emit is unanswered
  bool edge = false;   // input came while asked
};

// All tasks of all spouts, by index. Not thread-safe.
class EmitterRoster {
 public:
  explicit EmitterRoster(const std::vector<SpoutConfig>& spouts);

  // -1 if the group has no such emitter.
  int Find(EmitterId id) const;
  BatchEmitter& operator[](size_t i) { return emitters_[i]; }
  const BatchEmitter& operator[](size_t i) const { return emitters_[i]; }
  size_t size() const { return emitters_.size(); }

  LifeNews OnStarted(BatchEmitter& emitter, Incarnation incarnation);
  LifeNews OnLost(BatchEmitter& emitter, Incarnation incarnation);
  void OnInputReady(BatchEmitter& emitter);
  void OnAsked(BatchEmitter& emitter);
  void OnAnswered(BatchEmitter& emitter, word::Remaining remaining);
  // Input that was let to fill has waited long enough.
  void OnAged();
  // What it emitted was cancelled: its input is there again.
  void OnCancelled(BatchEmitter& emitter);

  bool AnyReady() const;
  bool AnyEager() const;

 private:
  std::vector<BatchEmitter> emitters_;
  std::vector<uint32_t> first_of_spout_;
  std::vector<SpoutConfig> spouts_;
};

struct BatchVoter {
  WorkerId id;
  Incarnation incarnation;
  bool present = false;
  TxId applied;
  TxId must_apply;    // before it may stage anything: what was issued when it joined
  Incarnation holds;  // the life in which it asked for Hold; zero: in none, or it has said Release
};

// All voters, by index. Not thread-safe.
class VoterRoster {
 public:
  explicit VoterRoster(const std::vector<WorkerId>& voters);

  // -1 if the worker has no vote in this group.
  int Find(WorkerId id) const;
  BatchVoter& operator[](size_t i) { return voters_[i]; }
  const BatchVoter& operator[](size_t i) const { return voters_[i]; }
  size_t size() const { return voters_.size(); }

  // `issued` is the last txid whose decision was issued.
  LifeNews OnJoined(BatchVoter& voter, Incarnation incarnation, TxId applied, TxId issued);
  LifeNews OnLost(BatchVoter& voter, Incarnation incarnation);

  // A Hold may overtake the news that its life has joined. It ends with that life.
  LifeNews OnHold(BatchVoter& voter, Incarnation incarnation);
  LifeNews OnRelease(BatchVoter& voter, Incarnation incarnation);
  bool AnyHolds() const;

  bool AllPresent() const;
  bool AllCaughtUp() const;
  // Whether every voter that is present has applied `txid`.
  bool PresentHaveApplied(TxId txid) const;
  TxId SlowestApplied() const;

 private:
  std::vector<BatchVoter> voters_;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_PROTOCOL_BATCH_PARTIES_H_
