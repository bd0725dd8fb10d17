/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attributes that make prototypes state their contract. */
#pragma once

#define must_check_ __attribute__((warn_unused_result))
#define printf_(f, a) __attribute__((format(printf, f, a)))
#define cleanup_(fn) __attribute__((cleanup(fn)))
#define noreturn_ __attribute__((noreturn))

#define array_size(a) (sizeof(a) / sizeof((a)[0]))

/* Defined where the program is built with the address sanitizer. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
