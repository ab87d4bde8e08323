/** A channel of frames to one worker process. Knows: process, wire, message. */
@NullMarked
package io.gorgon.connection;

import org.jspecify.annotations.NullMarked;
