/** What many threads do at once, for as long as one likes. */
package io.gorgon.stress;
