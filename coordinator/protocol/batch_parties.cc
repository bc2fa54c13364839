// SPDX-License-Identifier: Apache-2.0
#include "coordinator/protocol/batch_parties.h"

#include <algorithm>

namespace trident {

std::string ToString(EmitterId emitter) {
  return "spout " + std::to_string(emitter.spout.value()) + " task " + std::to_string(emitter.task);
}

EmitterRoster::EmitterRoster(const std::vector<SpoutConfig>& spouts) : spouts_(spouts) {
  for (uint32_t s = 0; s < spouts.size(); ++s) {
    first_of_spout_.push_back(static_cast<uint32_t>(emitters_.size()));
    for (uint32_t task = 0; task < spouts[s].tasks; ++task) {
      BatchEmitter& emitter = emitters_.emplace_back();
      emitter.id = {spouts[s].spout, task};
      emitter.spout = s;
      emitter.kind = spouts[s].kind;
    }
  }
}

int EmitterRoster::Find(EmitterId id) const {
  for (size_t s = 0; s < spouts_.size(); ++s) {
    if (spouts_[s].spout != id.spout) continue;
    return id.task < spouts_[s].tasks ? static_cast<int>(first_of_spout_[s] + id.task) : -1;
  }
  return -1;
}

LifeNews EmitterRoster::OnStarted(BatchEmitter& emitter, Incarnation incarnation) {
  if (incarnation <= emitter.incarnation) return LifeNews::kStale;
  emitter.incarnation = incarnation;
  emitter.present = true;
  emitter.ready = true;
  emitter.eager = true;
  emitter.asked = false;
  emitter.edge = false;
  return LifeNews::kNew;
}

LifeNews EmitterRoster::OnLost(BatchEmitter& emitter, Incarnation incarnation) {
  if (incarnation < emitter.incarnation) return LifeNews::kStale;
  if (incarnation == emitter.incarnation && !emitter.present) return LifeNews::kStale;
  emitter.incarnation = incarnation;
  emitter.present = false;
  emitter.ready = false;
  emitter.eager = false;
  emitter.asked = false;
  emitter.edge = false;
  return LifeNews::kNew;
}

void EmitterRoster::OnInputReady(BatchEmitter& emitter) {
  if (emitter.asked) {
    emitter.edge = true;
  } else {
    emitter.ready = true;
  }
}

void EmitterRoster::OnAsked(BatchEmitter& emitter) {
  emitter.asked = true;
  emitter.ready = false;
  emitter.eager = false;
  emitter.edge = false;
}

void EmitterRoster::OnAnswered(BatchEmitter& emitter, word::Remaining remaining) {
  const bool more = remaining == word::Remaining::kMore;
  emitter.asked = false;
  emitter.ready = more || emitter.edge;
  emitter.eager = more;
  emitter.edge = false;
}

void EmitterRoster::OnAged() {
  for (BatchEmitter& emitter : emitters_) emitter.eager = emitter.ready;
}

void EmitterRoster::OnCancelled(BatchEmitter& emitter) {
  emitter.asked = false;
  emitter.edge = false;
  emitter.ready = emitter.present;
  emitter.eager = emitter.present;
}

bool EmitterRoster::AnyReady() const {
  return std::any_of(emitters_.begin(), emitters_.end(),
                     [](const BatchEmitter& e) { return e.ready; });
}

bool EmitterRoster::AnyEager() const {
  return std::any_of(emitters_.begin(), emitters_.end(),
                     [](const BatchEmitter& e) { return e.eager; });
}

VoterRoster::VoterRoster(const std::vector<WorkerId>& voters) {
  for (WorkerId id : voters) voters_.emplace_back().id = id;
}

int VoterRoster::Find(WorkerId id) const {
  for (size_t i = 0; i < voters_.size(); ++i) {
    if (voters_[i].id == id) return static_cast<int>(i);
  }
  return -1;
}

LifeNews VoterRoster::OnJoined(BatchVoter& voter, Incarnation incarnation, TxId applied,
                               TxId issued) {
  if (incarnation <= voter.incarnation) return LifeNews::kStale;
  voter.incarnation = incarnation;
  voter.present = true;
  voter.applied = applied;
  voter.must_apply = issued;
  return LifeNews::kNew;
}

LifeNews VoterRoster::OnLost(BatchVoter& voter, Incarnation incarnation) {
  if (incarnation < voter.incarnation) return LifeNews::kStale;
  if (incarnation == voter.incarnation && !voter.present) return LifeNews::kStale;
  voter.incarnation = incarnation;
  voter.present = false;
  if (voter.holds <= incarnation) voter.holds = Incarnation();
  return LifeNews::kNew;
}

LifeNews VoterRoster::OnHold(BatchVoter& voter, Incarnation incarnation) {
  if (incarnation < voter.incarnation || incarnation < voter.holds) return LifeNews::kStale;
  voter.holds = incarnation;
  return LifeNews::kNew;
}

LifeNews VoterRoster::OnRelease(BatchVoter& voter, Incarnation incarnation) {
  if (incarnation < voter.incarnation || incarnation < voter.holds) return LifeNews::kStale;
  voter.holds = Incarnation();
  return LifeNews::kNew;
}

bool VoterRoster::AnyHolds() const {
  return std::any_of(voters_.begin(), voters_.end(), [](const BatchVoter& v) {
    return v.holds != Incarnation() && v.holds >= v.incarnation;
  });
}

bool VoterRoster::AllPresent() const {
  return std::all_of(voters_.begin(), voters_.end(), [](const BatchVoter& v) { return v.present; });
}

bool VoterRoster::AllCaughtUp() const {
  return std::all_of(voters_.begin(), voters_.end(),
                     [](const BatchVoter& v) { return v.applied >= v.must_apply; });
}

bool VoterRoster::PresentHaveApplied(TxId txid) const {
  return std::all_of(voters_.begin(), voters_.end(),
                     [&](const BatchVoter& v) { return !v.present || v.applied >= txid; });
}

TxId VoterRoster::SlowestApplied() const {
  TxId slowest = voters_.front().applied;
  for (const BatchVoter& v : voters_) slowest = std::min(slowest, v.applied);
  return slowest;
}

}  // namespace trident
