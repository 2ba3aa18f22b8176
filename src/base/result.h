// Result<T> for the rooms: the public type, and the macros that pass errors on. No room throws across its
// edge.
#pragma once
#include "osmia/result.h"

// OSMIA_TRY(x): returns x's error from the enclosing function, else goes on.
#define OSMIA_TRY(expr)                              \
  do {                                               \
    auto osmia_try_ = (expr);                        \
    if (!osmia_try_.ok()) return osmia_try_.error(); \
  } while (0)

// OSMIA_ASSIGN(decl, x): decl = *x, or returns x's error.
#define OSMIA_ASSIGN(decl, expr) OSMIA_ASSIGN_I(decl, expr, __COUNTER__)
#define OSMIA_ASSIGN_I(decl, expr, n) OSMIA_ASSIGN_II(decl, expr, n)
#define OSMIA_ASSIGN_II(decl, expr, n)                         \
  auto osmia_assign_##n = (expr);                              \
  if (!osmia_assign_##n.ok()) return osmia_assign_##n.error(); \
  decl = *std::move(osmia_assign_##n)
