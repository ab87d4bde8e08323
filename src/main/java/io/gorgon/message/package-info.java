/** What travels: calls, replies, failures and events. Knows: nobody. */
@NullMarked
package io.gorgon.message;

import org.jspecify.annotations.NullMarked;
