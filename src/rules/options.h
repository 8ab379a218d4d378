/* What the rules on parameters ask of the options. */
#ifndef STEPIMG_OPTIONS_H
#define STEPIMG_OPTIONS_H

/* Where an option of that name belongs, as a sentence for who gave it among the parameters; NULL: it is none. Static. */
const char *options_place(const char *name);

#endif
