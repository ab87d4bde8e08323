package io.gorgon.cluster;

import io.gorgon.message.PythonFailure;
import io.gorgon.message.Reply;
import io.gorgon.wire.Frame;

/**
 * This is a call at the node of its caller, as the node sees it that runs it. Told by one thread at
 * a time; must not block.
 */
interface Home {

  /** What Python said before its answer. */
  void told(Frame frame);

  /** The call's value. */
  void answered(Reply reply);

  /** Why there is no value. */
  void failed(PythonFailure failure);
}
