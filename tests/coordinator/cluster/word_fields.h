// SPDX-License-Identifier: Apache-2.0
//
// The fields of every word and of its parts, one after the other, for a visitor with
// All(field...). A field that is added and not named here does not compile.
#ifndef TRIDENT_TESTS_COORDINATOR_CLUSTER_WORD_FIELDS_H_
#define TRIDENT_TESTS_COORDINATOR_CLUSTER_WORD_FIELDS_H_

#include <type_traits>

#include "coordinator/cluster/control_words.h"

namespace trident {

template <class T, class U>
concept Like = std::is_same_v<std::remove_const_t<T>, U>;

// ---- parts ----

template <class V, Like<Attempt> T>
void EachField(V& v, T& x) {
  auto& [a, b] = x;
  v.All(a, b);
}
template <class V, Like<BatchId> T>
void EachField(V& v, T& x) {
  auto& [a, b, c] = x;
  v.All(a, b, c);
}
template <class V, Like<EmitterId> T>
void EachField(V& v, T& x) {
  auto& [a, b] = x;
  v.All(a, b);
}
template <class V, Like<SourcePosition> T>
void EachField(V& v, T& x) {
  auto& [a, b] = x;
  v.All(a, b);
}
template <class V, Like<SourceRange> T>
void EachField(V& v, T& x) {
  auto& [a, b, c, d, e, f, g] = x;
  v.All(a, b, c, d, e, f, g);
}
template <class V, Like<BatchLimits> T>
void EachField(V& v, T& x) {
  auto& [a, b] = x;
  v.All(a, b);
}
template <class V, Like<BatchCut> T>
void EachField(V& v, T& x) {
  auto& [a, b, c, d] = x;
  v.All(a, b, c, d);
}
template <class V, Like<SpoutPosition> T>
void EachField(V& v, T& x) {
  auto& [a, b] = x;
  v.All(a, b);
}
template <class V, Like<LoggedCut> T>
void EachField(V& v, T& x) {
  auto& [a, b] = x;
  v.All(a, b);
}
template <class V, Like<LogReport> T>
void EachField(V& v, T& x) {
  auto& [a, b, c, d] = x;
  v.All(a, b, c, d);
}
template <class V, Like<RowPlace> T>
void EachField(V& v, T& x) {
  auto& [a, b] = x;
  v.All(a, b);
}
template <class V, Like<LastProcess> T>
void EachField(V& v, T& x) {
  auto& [a, b, c, d, e] = x;
  v.All(a, b, c, d, e);
}
template <class V, Like<LastLife> T>
void EachField(V& v, T& x) {
  auto& [a, b] = x;
  v.All(a, b);
}
template <class V, Like<PreparedRecord> T>
void EachField(V& v, T& x) {
  auto& [a, b, c, d, e, f] = x;
  v.All(a, b, c, d, e, f);
}
template <class V, Like<GroupReport> T>
void EachField(V& v, T& x) {
  auto& [a, b, c, d, e, f] = x;
  v.All(a, b, c, d, e, f);
}
template <class V, Like<GroupLog> T>
void EachField(V& v, T& x) {
  auto& [a, b] = x;
  v.All(a, b);
}
template <class V, Like<GroupSettlement> T>
void EachField(V& v, T& x) {
  auto& [a, b, c] = x;
  v.All(a, b, c);
}
template <class V, Like<Welcome::Worker> T>
void EachField(V& v, T& x) {
  auto& [a, b, c] = x;
  v.All(a, b, c);
}
template <class V, Like<Welcome::Spout> T>
void EachField(V& v, T& x) {
  auto& [a, b] = x;
  v.All(a, b);
}

// ---- from a leader ----

template <class V, Like<Welcome> T>
void EachField(V& v, T& x) {
  auto& [a, b, c] = x;
  v.All(a, b, c);
}
template <class V, Like<word::PromiseAsked> T>
void EachField(V& v, T& x) {
  auto& [a] = x;
  v.All(a);
}
template <class V, Like<word::WriteLog> T>
void EachField(V& v, T& x) {
  auto& [a, b] = x;
  v.All(a, b);
}
template <class V, Like<word::Settled> T>
void EachField(V& v, T& x) {
  auto& [a, b] = x;
  v.All(a, b);
}
template <class V, Like<word::LeaseRound> T>
void EachField(V& v, T& x) {
  auto& [a, b] = x;
  v.All(a, b);
}
template <class V, Like<Farewell> T>
void EachField(V& v, T& x) {
  auto& [a] = x;
  v.All(a);
}
template <class V, Like<word::Begin> T>
void EachField(V& v, T& x) {
  auto& [a, b, c, d] = x;
  v.All(a, b, c, d);
}
template <class V, Like<word::Emit> T>
void EachField(V& v, T& x) {
  auto& [a, b, c, d, e, f, g, h, i] = x;
  v.All(a, b, c, d, e, f, g, h, i);
}
template <class V, Like<word::Permit> T>
void EachField(V& v, T& x) {
  auto& [a, b, c] = x;
  v.All(a, b, c);
}
template <class V, Like<word::Apply> T>
void EachField(V& v, T& x) {
  auto& [a] = x;
  v.All(a);
}
template <class V, Like<word::Publish> T>
void EachField(V& v, T& x) {
  auto& [a] = x;
  v.All(a);
}
template <class V, Like<word::Abort> T>
void EachField(V& v, T& x) {
  auto& [a] = x;
  v.All(a);
}
template <class V, Like<GroupWordToWorker> T>
void EachField(V& v, T& x) {
  auto& [a, b, c] = x;
  v.All(a, b, c);
}

// ---- from a worker ----

template <class V, Like<WorkerHello> T>
void EachField(V& v, T& x) {
  auto& [a, b, c, d, e, f, g] = x;
  v.All(a, b, c, d, e, f, g);
}
template <class V, Like<word::Promised> T>
void EachField(V& v, T& x) {
  auto& [a, b, c, d] = x;
  v.All(a, b, c, d);
}
template <class V, Like<word::LogWritten> T>
void EachField(V& v, T& x) {
  auto& [a, b, c] = x;
  v.All(a, b, c);
}
template <class V, Like<word::Refused> T>
void EachField(V& v, T& x) {
  auto& [a, b, c, d] = x;
  v.All(a, b, c, d);
}
template <class V, Like<word::LeaseAcknowledged> T>
void EachField(V& v, T& x) {
  auto& [a, b, c] = x;
  v.All(a, b, c);
}
template <class V, Like<word::WorkerJoined> T>
void EachField(V& v, T& x) {
  auto& [a, b, c] = x;
  v.All(a, b, c);
}
template <class V, Like<word::EmitterStarted> T>
void EachField(V& v, T& x) {
  auto& [a, b] = x;
  v.All(a, b);
}
template <class V, Like<word::InputReady> T>
void EachField(V& v, T& x) {
  auto& [a, b] = x;
  v.All(a, b);
}
template <class V, Like<word::InputEnded> T>
void EachField(V& v, T& x) {
  auto& [a] = x;
  v.All(a);
}
template <class V, Like<word::Emitted> T>
void EachField(V& v, T& x) {
  auto& [a, b, c, d, e, f] = x;
  v.All(a, b, c, d, e, f);
}
template <class V, Like<word::Progressed> T>
void EachField(V& v, T& x) {
  auto& [a] = x;
  v.All(a);
}
template <class V, Like<word::Failed> T>
void EachField(V& v, T& x) {
  auto& [a, b, c] = x;
  v.All(a, b, c);
}
template <class V, Like<word::Voted> T>
void EachField(V& v, T& x) {
  auto& [a, b, c, d, e] = x;
  v.All(a, b, c, d, e);
}
template <class V, Like<word::Voided> T>
void EachField(V& v, T& x) {
  auto& [a, b, c] = x;
  v.All(a, b, c);
}
template <class V, Like<word::Applied> T>
void EachField(V& v, T& x) {
  auto& [a, b, c] = x;
  v.All(a, b, c);
}
template <class V, Like<word::Hold> T>
void EachField(V& v, T& x) {
  auto& [a, b] = x;
  v.All(a, b);
}
template <class V, Like<word::Release> T>
void EachField(V& v, T& x) {
  auto& [a, b] = x;
  v.All(a, b);
}
template <class V, Like<GroupWordToLeader> T>
void EachField(V& v, T& x) {
  auto& [a, b, c] = x;
  v.All(a, b, c);
}

}  // namespace trident

#endif  // TRIDENT_TESTS_COORDINATOR_CLUSTER_WORD_FIELDS_H_
