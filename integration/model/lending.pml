/* One device, two lenders that both want it, one who gives back (a guardian, poststop, or root's
   `netlend return`), one reaper; each can be killed between any two of its steps, and a call of each
   can fail. The borrowers rename, unmark, nest or delete what they have, and die when they like.

   It says what runtime/net/{lend,lend_device,give_back,give_back_devices,way_home,reap,locate}.cpp,
   runtime/net/ledger and runtime/guardian do, step by step, under the names of
   runtime/net/steps.def. A step is atomic because in the code it is one system call, or a file that
   is written aside and renamed into place.

   The environment says of what the states are explored. KIND is what the device is: 0 physical (the
   kernel sends it home when the namespace that it is in dies), 1 a veth whose other end is at home, 2
   virtual and without a peer (both are deleted with their namespace). RELATION is that of those whom
   the lenders lend to: 0 two containers, 1 one that was restarted, 2 one whose hook is called twice.
   ACTORS is who is there: 0 two lenders and a reaper, 1 two lenders and a giver, 2 a lender, a giver
   and a reaper; all four at once have too many states, and a lender reaps what the dead hold, too.

   What the borrower itself deletes, or loses by letting a nested namespace die, is nobody's fault:
   DELETED. Whatever else makes a device vanish is what must not happen: LOST.

   Six macros break it, and spin must find out each. NO_FSYNC_BEFORE_MOVE: the ledger is where the
   next process would find it only after the move. (What the rename and the fsync before the move
   guard against is here the death of the writer; a machine that loses power loses /run and the
   borrowers with it.) LEASE_AFTER_MOVE, REAP_WITHOUT_LOCK, UNPIN_BEFORE_HOME; STALE_GENERATION: who
   gives back for a container takes the ledger of its successor; RETURN_WITHOUT_FIND: what is not
   where the ledger says is taken for home. */

c_decl {
  \#include <stdio.h>
  \#include <stdlib.h>
  \#include <string.h>
  static int choice(const char *name) {
    const char *value = getenv(name);
    return value ? atoi(value) : 0;
  }
#ifdef TRACE
  static const char *const kNames[] = {
#define NETLEND_STEP(name) #name,
#include "../../runtime/net/steps.def"
#undef NETLEND_STEP
      "killed"};
  enum { kNamesCount = sizeof kNames / sizeof *kNames, kTraceMax = 100 };
  static int expected[kTraceMax];
  static int expected_count;
  /* What a real process passed, a name a line. */
  static void load_trace(void) {
    char line[100];
    FILE *file = fopen(getenv("TRACE"), "r");
    while (file && fgets(line, sizeof line, file)) {
      int i = 0;
      line[strcspn(line, "\n")] = 0;
      while (i < kNamesCount && strcmp(line, kNames[i])) i++;
      if (i == kNamesCount || expected_count == kTraceMax) exit(3);
      expected[expected_count++] = kNamesCount - i; /* spin numbers an mtype from its end */
    }
  }
#endif
}

#define NETLEND_STEP(name) name,
mtype = {
#include "../../runtime/net/steps.def"
  killed
};
#undef NETLEND_STEP

byte kind;     /* of the device: 0 to 2 */
byte relation; /* of the borrowers: 0 to 2 */
byte actors;   /* who is there: 0 to 2 */

#define IS_PHYSICAL (kind == 0)
#define IS_VETH (kind == 1)
#define NEEDS_MARK (kind == 2)
#define IS_SAME_KEY (relation > 0)
#define IS_SAME_BORROWER (relation == 2)
#define HAS_SECOND_LENDER (actors != 2)
#define HAS_GIVER (actors != 0)
#define HAS_REAPER (actors != 1)

/* Where the device is; of the middle three there is one for each borrower or ledger. */
#define HOME 0
#define INSIDE 1
#define NESTED 3
#define STAGING 5
#define DELETED 7
#define LOST 8
#define NOWHERE 9

/* A ledger's stage; for whoever finds it, INTENT, LENT and RETURNING are the same. */
#define ABSENT 0
#define UNREADY 1
#define READY 2

/* Processes: lenders 0 and 1, and these. */
#define GIVER 2
#define REAPER 3
#define NOBODY 7

byte device = HOME;
bool changed;   /* it is not what it was at home */
bool marked;
bool reindexed; /* it has been in a nested namespace, and may have another index since */

bool alive[2] = true; /* the borrowers' processes */

/* On disk, and mounts: these outlive every process. A ledger is known by its name, 0 or 1. */
byte stage[2] = ABSENT;
byte borrower_of[2];
byte lease = NOBODY; /* the ledger that it names */
bool pin[2];
bool staging_pin[2];

/* These end with the process: locks, and descriptors of namespaces. */
byte lock[2] = NOBODY;
bool holds[8];         /* process * 2 + borrower */
bool holds_staging[8]; /* process * 2 + ledger */

bool lender_ended[2];
byte ended; /* processes */
bool calm;  /* nobody is killed any more, and no call fails */

#define OPEN_LEDGERS ((stage[0] != ABSENT) + (stage[1] != ABSENT))
#define IS_LENT_TWICE (OPEN_LEDGERS > 1)
#define IS_FORGOTTEN (device != HOME && device != DELETED && OPEN_LEDGERS == 0)
#define SAFE (device != LOST && !IS_LENT_TWICE && !IS_FORGOTTEN)

/* A namespace lives as long as a process, a mount or a descriptor holds it. */
#define NETNS_IS_HELD(b)                                                                       \
  (alive[b] || (pin[0] && borrower_of[0] == b) || (pin[1] && borrower_of[1] == b) ||           \
   holds[b] || holds[2 + b] || holds[4 + b] || holds[6 + b])
#define STAGING_IS_HELD(l)                                                                     \
  (staging_pin[l] || holds_staging[l] || holds_staging[2 + l] || holds_staging[4 + l] ||       \
   holds_staging[6 + l])

#ifdef TRACE
/* Only runs that pass what the trace has are followed, and one that comes to its end is reported as
   an error. */
mtype next;
byte count;
#define IS_TRACED true
inline note(s) {
  next = s;
  c_expr { expected[now.count] == now.next };
  count++;
  if :: c_expr { now.count == expected_count } -> assert(false) :: else fi
}
#else
#define IS_TRACED false
#ifdef SHOW
mtype next; /* printm() takes no constant */
inline note(s) { next = s; printm(next); printf(" of %d\n", me) }
#else
inline note(s) { skip }
#endif
#endif

inline may_be_killed() {
  if :: true :: !calm -> goto died fi
}

/* Before each step: here it can be killed. */
inline pass(s) {
  if
  :: note(s)
  :: !calm -> note(killed); goto died
  fi
}

/* A step that says nothing in a model of such a device. */
inline pass_if(s, matters) {
  if :: matters || IS_TRACED -> pass(s) :: else fi
}

inline end_process(me) {
  if :: lock[0] == me -> lock[0] = NOBODY :: else fi;
  if :: lock[1] == me -> lock[1] = NOBODY :: else fi;
  holds[me * 2] = false;
  holds[me * 2 + 1] = false;
  holds_staging[me * 2] = false;
  holds_staging[me * 2 + 1] = false;
  ended++
}

/* LoanSites::locate(), with what it can see: by the pin, else by a process. */
inline locate(l, at) {
  at = NOWHERE;
  if
  :: device == HOME -> at = device
  :: device == STAGING + l && staging_pin[l] -> at = device
  :: device == INSIDE + borrower_of[l] && (pin[l] || alive[borrower_of[l]]) &&
     (!NEEDS_MARK || marked || !reindexed) -> at = device
  :: device == NESTED + borrower_of[l] && alive[borrower_of[l]] && IS_VETH -> at = device
  :: else
  fi
}

inline unpin(l) {
  atomic { pass(unpin_staging); staging_pin[l] = false };
  atomic { pass(unpin_borrower); pin[l] = false }
}

/* Returning::to_home() */
inline to_home(l) {
  if
  :: (at == INSIDE + borrower_of[l] && alive[borrower_of[l]]) || at == NESTED + borrower_of[l] ->
     if
     :: atomic {
          pass(make_staging);
          staging_pin[l] = true;
          holds_staging[me * 2 + l] = true
        };
        atomic {
          pass(move_to_staging);
          if :: device == at -> device = STAGING + l; at = STAGING + l :: else fi
        };
        atomic { if :: at == STAGING + l -> locate(l, at) :: else fi }
     :: !calm -> skip /* no room on the disk for its pin: in one hop then */
     fi
  :: else
  fi;
#ifdef UNPIN_BEFORE_HOME
  unpin(l);
#endif
  atomic {
    pass(move_home);
    if :: device == at -> device = HOME; at = HOME :: else -> at = NOWHERE fi
  }
}

/* Who holds the lock may take the device home: its borrower is dead, its lending or returning was
   stopped half way, or root asks. */
#define MAY_TAKE(l, asked) (asked || stage[l] != READY || !alive[borrower_of[l]])

inline return_ledger(l, asked) {
  atomic {
    pass(write_returning);
    assert(MAY_TAKE(l, asked));
    asked = false;
    if :: stage[l] = UNREADY :: !calm -> skip /* no disk: it goes home all the same */ fi;
    holds[me * 2 + borrower_of[l]] = (pin[l] || alive[borrower_of[l]]);
    holds_staging[me * 2 + l] = staging_pin[l];
#ifdef RETURN_WITHOUT_FIND
    if :: device == INSIDE + borrower_of[l] -> at = device :: else -> at = HOME fi
#else
    locate(l, at)
#endif
  };
  /* Returning::bring_home() */
  if
  :: at != HOME && at != NOWHERE -> to_home(l)
  :: else
  fi;
  if
  :: at == HOME ->
     at = 0;
     atomic {
       pass(restore_device);
       if
       :: device == HOME -> changed = false; reindexed = false
#ifdef RETURN_WITHOUT_FIND
       :: device != HOME -> skip
#endif
       :: !calm -> at = NOWHERE /* somebody has its name */
       fi
     };
     if
     :: at == NOWHERE
     :: else -> atomic { pass_if(unmark_device, NEEDS_MARK); marked = false }
     fi
  :: at == NOWHERE && IS_VETH && device == DELETED -> at = HOME /* for certain: so is its peer */
  :: else
  fi;
  if
  :: at == HOME ->
     unpin(l);
     atomic {
       pass(close_ledger);
       assert(device == DELETED || (device == HOME && !changed && !marked));
       stage[l] = ABSENT;
       assert(SAFE)
     };
     atomic { pass(drop_lease); if :: lease == l -> lease = NOBODY :: else fi }
  :: else
  fi;
  atomic {
    at = 0;
    holds[me * 2] = false;
    holds[me * 2 + 1] = false;
    holds_staging[me * 2] = false;
    holds_staging[me * 2 + 1] = false
  }
}

/* reap_ledger() with ReapScope::dead */
inline reap_ledger(l, is_closed) {
  is_closed = false;
  if
#ifdef REAP_WITHOUT_LOCK
  :: atomic { may_be_killed() };
#else
  :: atomic { lock[l] == NOBODY -> may_be_killed(); lock[l] = me };
#endif
     if
     :: stage[l] != ABSENT && (stage[l] != READY || !alive[borrower_of[l]]) ->
        return_ledger(l, is_closed)
     :: else
     fi;
     atomic {
       is_closed = (stage[l] == ABSENT);
       if :: lock[l] == me -> lock[l] = NOBODY :: else fi
     }
  :: lock[l] != NOBODY -> skip /* somebody is at it, or was for too long */
  fi
}

/* release_stale_lease() */
inline release_stale_lease(l) {
  if
  :: atomic { lock[l] == NOBODY -> may_be_killed(); lock[l] = me };
     if
     :: stage[l] == ABSENT ->
        atomic { may_be_killed(); if :: lease == l -> lease = NOBODY :: else fi }
     :: else
     fi;
     lock[l] = NOBODY
  :: lock[l] != NOBODY -> skip /* its lender is about to write it */
  fi
}

/* Lending::take_one(); of its eight attempts the second is like the third. */
inline take_lease_of(l) {
  do
  :: atomic {
       pass(take_lease);
       holder = lease;
       if :: lease == NOBODY -> lease = l :: else fi
     };
     if
     :: holder == NOBODY -> holder = 0; attempts = 0; break
     :: holder != NOBODY && attempts < 1 ->
        attempts++;
        if
        :: stage[holder] != ABSENT ->
           reap_ledger(holder, is_closed);
           if :: is_closed -> is_closed = false :: else -> goto undo_intent fi
        :: else -> release_stale_lease(holder)
        fi
     :: holder != NOBODY && attempts == 1 -> goto undo_intent
     fi
  od
}

proctype lender(byte me) {
  byte l = me, b = me, other = 1 - me, at, holder, attempts;
  bool is_closed;

  atomic {
    if :: IS_SAME_BORROWER -> b = 0 :: else fi;
    if :: !alive[b] -> goto died :: else -> holds[me * 2 + b] = true fi
  };
  /* meet_earlier() */
  if
  :: IS_SAME_KEY && stage[other] != ABSENT ->
     if
     :: borrower_of[other] == b && alive[b] && stage[other] == READY -> goto died /* done already */
     :: else
     fi;
     reap_ledger(other, is_closed);
     if :: !is_closed && borrower_of[other] == b && alive[b] -> goto died :: else fi;
     is_closed = false
  :: else
  fi;

  if
  :: atomic { lock[l] == NOBODY -> may_be_killed(); lock[l] = me }
  :: lock[l] != NOBODY -> goto died
  fi;
  /* choose() */
  if
  :: device != HOME && stage[other] != ABSENT -> reap_ledger(other, is_closed); is_closed = false
  :: else
  fi;
#ifndef LEASE_AFTER_MOVE
  if :: device != HOME -> goto undo_intent :: else fi;
  take_lease_of(l);
#endif
  /* observe() */
  if
  :: atomic { device == HOME -> assert(!changed && !marked) }
  :: device != HOME -> goto undo_intent
  fi;
  atomic {
    pass(write_intent);
    borrower_of[l] = b;
#ifndef NO_FSYNC_BEFORE_MOVE
    if
    :: stage[l] = UNREADY; assert(SAFE)
    :: !calm -> stage[l] = UNREADY; assert(SAFE); goto undo_intent /* renamed, and not synced */
    :: !calm -> goto undo_intent
    fi
#endif
  };
  atomic { pass(pin_borrower); if :: pin[l] = true :: !calm -> goto undo fi };
  atomic {
    pass_if(mark_device, NEEDS_MARK);
    if :: device == HOME -> marked = NEEDS_MARK :: !calm || device != HOME -> goto undo fi
  };
  at = HOME;
  if
  :: true /* its own name is free inside */
  :: true ->
     atomic {
       pass(make_staging);
       staging_pin[l] = true;
       holds_staging[me * 2 + l] = true
     };
     atomic {
       pass(move_to_staging);
       if
       :: device == HOME -> device = STAGING + l; changed = true; at = STAGING + l; assert(SAFE)
       :: !calm || device != HOME -> goto undo
       fi
     }
  fi;
  atomic {
    pass(move_in);
    if
    :: device == at -> device = INSIDE + b; changed = true; assert(SAFE)
    :: !calm || device != at -> goto undo
    fi;
    at = 0
  };
#ifdef NO_FSYNC_BEFORE_MOVE
  atomic { may_be_killed(); stage[l] = UNREADY };
#endif
#ifdef LEASE_AFTER_MOVE
  take_lease_of(l);
#endif
  atomic {
    pass(write_lent);
    if :: true :: !calm -> goto undo fi
  };
  atomic { pass(write_ready); if :: stage[l] = READY :: !calm -> goto undo fi };
  goto died;

undo:
  return_ledger(l, is_closed);
  goto died;

undo_intent:
  atomic { may_be_killed(); stage[l] = ABSENT };
  atomic { may_be_killed(); if :: lease == l -> lease = NOBODY :: else fi };

died:
  atomic {
    lender_ended[me] = true;
    end_process(me);
    l = 0; b = 0; other = 0; at = 0; holder = 0; attempts = 0; is_closed = false
  }
}

/* The guardian, poststop or `netlend return` of what one of them lent. */
proctype giver(byte me) {
  byte l, at;
  bool is_asked;

  if :: l = 0 :: l = 1 fi;
  if
  :: stage[l] != ABSENT && !alive[borrower_of[l]] -> skip
  :: stage[l] != ABSENT && stage[l] != READY && lender_ended[l] -> skip
  :: stage[l] != ABSENT -> is_asked = true
  :: lender_ended[0] && lender_ended[1] -> goto died
  fi;
#ifdef STALE_GENERATION
  if :: IS_SAME_KEY && stage[1 - l] != ABSENT -> l = 1 - l :: else fi;
#endif
  if
  :: atomic { lock[l] == NOBODY -> may_be_killed(); lock[l] = me };
     if :: stage[l] != ABSENT -> return_ledger(l, is_asked) :: else fi
  :: lock[l] != NOBODY -> skip
  fi;

died:
  atomic { end_process(me); l = 0; at = 0; is_asked = false }
}

proctype reaper(byte me) {
  byte l, at;
  bool is_closed;

  for (l : 0 .. 1) {
    if :: stage[l] != ABSENT -> reap_ledger(l, is_closed); is_closed = false :: else fi
  };
  l = lease;
  if :: l != NOBODY -> release_stale_lease(l) :: else fi;

died:
  atomic { end_process(me); l = 0; at = 0; is_closed = false }
}

/* Where the kernel sends what is in a namespace that died. */
inline netns_died(deleted) {
  if :: IS_PHYSICAL -> device = HOME :: else -> device = deleted; assert(SAFE) fi
}

/* What borrower `b` does, and the kernel; after a death in its own time. */
proctype world(byte b) {
end:
  do
  :: atomic { !calm && alive[b] -> alive[b] = false; printf("borrower %d dies\n", b) }
  :: atomic {
       !calm && alive[b] && device == INSIDE + b && marked -> marked = false;
       printf("borrower %d takes off the mark\n", b)
     }
  :: atomic {
       !calm && alive[b] && device == INSIDE + b -> device = NESTED + b;
       reindexed = NEEDS_MARK;
       printf("borrower %d nests it\n", b)
     }
  :: atomic {
       !calm && alive[b] && device == NESTED + b -> device = INSIDE + b;
       printf("borrower %d takes it back\n", b)
     }
  :: atomic {
       !calm && alive[b] && device == INSIDE + b && !IS_PHYSICAL -> device = DELETED;
       printf("borrower %d deletes it\n", b)
     }
  :: atomic { (!calm || !alive[b]) && device == NESTED + b -> netns_died(DELETED) }
  :: atomic { device == INSIDE + b && !NETNS_IS_HELD(b) -> netns_died(LOST) }
  :: atomic { device == STAGING + b && !STAGING_IS_HELD(b) -> netns_died(LOST) }
  od
}

/* A virtual device whose borrower deleted it, moved it on, or did so once and took off the mark; and
   what a living one has in a nested namespace that can't be looked into. */
#define IS_OUT_OF_REACH                                                                        \
  (device == DELETED || (!IS_VETH && (device == NESTED || device == NESTED + 1)) ||            \
   (NEEDS_MARK && reindexed && !marked))

init {
  byte l;
  atomic {
#ifdef TRACE
    c_code { load_trace(); };
#endif
    c_code {
      now.kind = choice("KIND");
      now.relation = choice("RELATION");
      now.actors = choice("ACTORS");
    };
    run world(0);
    run world(1);
    run lender(0);
    if :: HAS_SECOND_LENDER -> run lender(1) :: else -> lender_ended[1] = true; ended++ fi;
    if :: HAS_GIVER -> run giver(GIVER) :: else -> ended++ fi;
    if :: HAS_REAPER -> run reaper(REAPER) :: else -> ended++ fi
  };
  ended == 4;
  calm = true;
  atomic { timeout -> run reaper(REAPER) };
  ended == 5;
  for (l : 0 .. 1) {
    assert(stage[l] == ABSENT || (stage[l] == READY && alive[borrower_of[l]]) || IS_OUT_OF_REACH)
  };
  atomic { alive[0] = false; alive[1] = false; l = 0 };
  atomic { timeout -> run reaper(REAPER) };
  ended == 6;
  assert(IS_OUT_OF_REACH || (device == HOME && !changed && !marked && OPEN_LEDGERS == 0));
  assert(OPEN_LEDGERS > 0 || (lease == NOBODY && !pin[0] && !pin[1] && !staging_pin[0] &&
                              !staging_pin[1]))
}
