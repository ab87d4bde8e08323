package io.gorgon.proving.history;

/** Every kind of violation that the checker knows, by name. */
public enum Breach {
  // ---- a call and its outcome
  /** It was never told anything. */
  UNANSWERED,
  /** It was told more than once. */
  ANSWERED_TWICE,
  /** It was told later than 250 ms after its deadline. */
  LATE,
  /** It was told that an ask timed out: the pool should have answered before. */
  BARE_TIMEOUT,
  /** It failed with something that is no failure of ours. */
  UNTYPED,
  /** It failed with what only somebody else can have caused. */
  NOT_ITS_FAULT,
  /** It ran more often than it may. */
  RAN_TOO_OFTEN,
  /** It was told that it had not started, and ran. */
  RAN_ALL_THE_SAME,
  /** It was answered with a value and had not run. */
  ANSWERED_WITHOUT_RUNNING,
  /** It ran with another call's argument. */
  CROSSED_IN,
  /** It was told another call's value. */
  CROSSED_OUT,
  /** It was answered in the name of a worker that did not run it. */
  WRONG_WORKER,
  /** It ran, and nobody had asked for it. */
  INVENTED,

  // ---- cancels
  /** It was told that it was cancelled, and nobody had cancelled it. */
  CANCELLED_BY_NOBODY,
  /** Its cancel was taken, and it was told something else. */
  CANCEL_IGNORED,

  // ---- streams
  /** An element came twice. */
  ELEMENT_TWICE,
  /** An element came after one that is behind it. */
  ELEMENT_OUT_OF_ORDER,
  /** An element was left out. */
  ELEMENT_MISSING,
  /** The element of another stream, or of another place. */
  ELEMENT_WRONG,
  /** An element came after the end. */
  ELEMENT_AFTER_END,
  /** It ended well before all elements had come. */
  STREAM_CUT_SHORT,
  /** It never ended. */
  STREAM_ENDLESS,
  /** The stream failed and its call did not. */
  STREAM_AND_CALL_DIFFER,

  // ---- calls into Java
  /** A question reached its tool more than once. */
  QUESTION_SERVED_TWICE,
  /** A question was answered and no tool had been asked. */
  QUESTION_NOT_SERVED,
  /** A question was answered more than once. */
  QUESTION_ANSWERED_TWICE,
  /** A question of a call that ended well was never answered. */
  QUESTION_UNANSWERED,
  /** A question was told the answer of another one. */
  QUESTION_CROSSED,
  /** A tool was asked in the name of another call. */
  QUESTION_OF_ANOTHER_CALL,
  /** A tool was asked what nobody had asked. */
  QUESTION_INVENTED,

  // ---- workers and leases
  /** Two calls ran at once in a process that runs one by one. */
  TWO_AT_ONCE,
  /** A stranger's call ran on a worker that somebody held. */
  RAN_BESIDE_A_LEASE,
  /** A worker was handed to a second holder while it had one. */
  LEASES_OVERLAP,
  /** A lease did not end. */
  LEASE_LEAKED,
  /** A lease ended twice, or had never been granted. */
  LEASE_ENDED_UNGRANTED,
  /** A worker that was not ready, or gone, was handed to somebody. */
  LEASED_UNREADY,
  /** An incarnation that had ended dirty was given something to do. */
  REUSED_AFTER_DIRTY_END,
  /** It became ready twice, or after it was gone. */
  READY_OUT_OF_TURN,
  /** It was reported gone twice. */
  GONE_TWICE,
  /** Something ran on it after it was gone. */
  RAN_AFTER_GONE,
  /** The pool stopped, and it was never reported gone. */
  NEVER_GONE,

  // ---- sessions
  /** A change whose caller, or whose checkpoint, was told that it is kept is not there. */
  CHANGE_LOST,
  /** A change is there more than once. */
  CHANGE_DOUBLED,
  /** A change is there, and what its caller was told promised that it is not. */
  CHANGE_KEPT_THOUGH_FAILED,
  /** Only a part of what a call had changed is there. */
  CHANGE_TORN,
  /** A version that somebody was told, or that the store has, is not the one of the change. */
  CHANGE_UNDER_ANOTHER_VERSION,
  /** Calls ran, or were kept, in another order than that in which they were sent. */
  SESSION_ORDER_BROKEN,
  /** Two calls of one session ran at once. */
  SESSION_OVERLAP,
  /** Something of another session was seen, or was kept. */
  STATE_OF_ANOTHER,
  /** A state was seen that was never kept. */
  STATE_NEVER_KEPT,
  /** A state was seen without a change that had been acknowledged before. */
  STATE_STALE
}
