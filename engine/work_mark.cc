// SPDX-License-Identifier: Apache-2.0
#include "engine/work_mark.h"

namespace trident {
namespace {

thread_local WorkMark t_own;

}  // namespace

thread_local WorkMark* WorkMark::current_ = &t_own;

}  // namespace trident
